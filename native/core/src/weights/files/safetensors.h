// The safetensors container: an 8-byte header size, a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/file.h"
#include "weights/files/stored_tensor.h"

namespace interrogator {

/// A header takes many times its bytes in memory.
struct HeaderLimits {
  std::size_t bytes = 100'000'000;  ///< the format's own limit
  std::size_t values = std::numeric_limits<std::size_t>::max();
};

struct SafeTensor {
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;
  std::size_t offset = 0;  ///< in the file
};

/// The tensors of a file, of which the header alone is read. All methods throw std::runtime_error saying what is wrong with the file.
class SafeTensors {
 public:
  /// Throws Error(kIo) too.
  explicit SafeTensors(const InputFile& file, HeaderLimits limits = {});
  /// The tensor of this name. Checks that it is of this dtype, as the format names it ("F16", "I8"), with elements of so many bytes, and
  /// of so many dimensions, and that its data lies inside the file and fits its shape.
  SafeTensor find(const std::string& name, const std::string& dtype, std::size_t element_bytes, std::size_t dimensions) const;

  const nlohmann::json& header() const noexcept { return header_; }
  /// Where the data lies in the file, and how many bytes it has.
  std::size_t begin() const noexcept { return begin_; }
  std::size_t size() const noexcept { return size_; }

 private:
  nlohmann::json header_;
  std::size_t begin_ = 0, size_ = 0;  // of the data
};

/// All tensors of a file by name. Checks the whole header: every entry, and that the tensors lie one after another, without a gap and
/// without sharing bytes, from the first to the last byte. Throws std::runtime_error, Error(kIo).
std::map<std::string, StoredTensor> read_safetensors(const std::shared_ptr<const InputFile>& file);

/// The bytes before the data, padded so that the data is aligned to 8.
std::string safetensors_header(const nlohmann::ordered_json& tensors);

}  // namespace interrogator
