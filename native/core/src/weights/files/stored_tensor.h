// A tensor that lies in a file: its type, its shape, where its numbers are; and the reading of them.
// Files are read into memory of our own and never mapped: a file that is cut while it is mapped would end the process with SIGBUS. Mapped
// pages would also be a second copy, because every matrix is laid out anew (packed) on the CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/file.h"

namespace interrogator {

/// An element's type by the name that safetensors gives it: "F32", "BF16", "I64".
struct ElementType {
  std::string_view name;
  std::size_t bytes = 0;
  std::optional<at::ScalarType> floating;  ///< where it is one that weights are read of: F32, F16, BF16

  /// None for a name that is not known.
  static const ElementType* of(std::string_view name);
};

/// What makes it has checked that everything it reaches lies inside the file.
struct StoredTensor {
  const ElementType* type = nullptr;
  std::vector<std::int64_t> shape, strides;  ///< strides in elements, 0 or more
  std::shared_ptr<const InputFile> file;
  std::uint64_t offset = 0;  ///< of the first element, in the file
};

/// The product of the sides. Throws std::runtime_error where one is negative or the product no size that memory could have.
std::int64_t count_elements(const std::vector<std::int64_t>& shape);

/// Strides of rows one after another.
std::vector<std::int64_t> strides_of_rows(const std::vector<std::int64_t>& shape);

/// The elements from the first to the last that these shape and strides reach: 0 where there are none. Throws std::runtime_error where
/// that is no size of a file.
std::uint64_t count_reached(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides);

/// The rows begin … end of its dimension 0, one after another, on the CPU and cast to `type`. A tensor without dimensions has one row. Its
/// type has to be a floating one. Throws std::runtime_error where the file was cut meanwhile.
at::Tensor read_rows(const StoredTensor& tensor, std::int64_t begin, std::int64_t end, at::ScalarType type);

}  // namespace interrogator
