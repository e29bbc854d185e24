// The safetensors container: an 8-byte header size, a JSON header, then the tensors' bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace interrogator {

struct SafeTensor {
  std::string name, dtype;  ///< dtype as the format names it: "F16", "I8"
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

/// The tensors of a whole file in memory; they point into it. Checks sizes and offsets, so that all
/// data lies inside. Throws std::runtime_error saying what is wrong with the file.
std::vector<SafeTensor> parse_safetensors(std::span<const std::byte> file);

/// The bytes before the data, padded so that the data is aligned to 8.
std::string safetensors_header(const std::vector<SafeTensor>& tensors);

}  // namespace interrogator
