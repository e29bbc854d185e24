// The safetensors container: an 8-byte header size, a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "platform/file.h"

namespace interrogator {

struct SafeTensor {
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;
  std::size_t offset = 0;  ///< in the file
};

/// The tensors of a file, of which the header alone is read. All methods throw std::runtime_error saying what is wrong with the file.
class SafeTensors {
 public:
  /// Throws Error(kIo) too.
  explicit SafeTensors(const InputFile& file);
  /// The tensor of this name. Checks that it is of this dtype, as the format names it ("F16", "I8"), with elements of so many bytes, and
  /// of so many dimensions, and that its data lies inside the file and fits its shape.
  SafeTensor find(const std::string& name, const std::string& dtype, std::size_t element_bytes, std::size_t dimensions) const;

 private:
  nlohmann::json header_;
  std::size_t begin_ = 0, size_ = 0;  // of the data
};

/// The bytes before the data, padded so that the data is aligned to 8.
std::string safetensors_header(const nlohmann::ordered_json& tensors);

}  // namespace interrogator
