// The safetensors container: an 8-byte header size, a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "platform/file.h"

namespace interrogator {

struct SafeTensor {
  std::string name, dtype;  ///< dtype as the format names it: "F16", "I8"
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;
  std::size_t offset = 0;  ///< in the file; not used by safetensors_header
};

/// The tensors of a file, of which the header alone is read. Checks sizes and offsets, so that all data lies inside. Throws
/// std::runtime_error saying what is wrong with the file, and Error(kIo).
std::vector<SafeTensor> read_safetensors_header(const InputFile& file);

/// The bytes before the data, padded so that the data is aligned to 8.
std::string safetensors_header(const std::vector<SafeTensor>& tensors);

}  // namespace interrogator
