#include "weights/files/stored_tensor.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <span>

#include "weights/files/fault.h"

namespace interrogator {

namespace {

constexpr std::array kTypes = {
    ElementType{"F32", 4, at::kFloat}, ElementType{"F16", 2, at::kHalf}, ElementType{"BF16", 2, at::kBFloat16},
    ElementType{"F64", 8, {}},         ElementType{"I64", 8, {}},        ElementType{"I32", 4, {}},
    ElementType{"I16", 2, {}},         ElementType{"I8", 1, {}},         ElementType{"U64", 8, {}},
    ElementType{"U32", 4, {}},         ElementType{"U16", 2, {}},        ElementType{"U8", 1, {}},
    ElementType{"BOOL", 1, {}},        ElementType{"F8_E5M2", 1, {}},    ElementType{"F8_E4M3", 1, {}},
    ElementType{"C64", 8, {}},
};

/// Fills a tensor of rows one after another with the elements from a place in the file on. What has to be cast is never in memory as a
/// whole. By one thread: the copy out of the page cache takes a fifth of the time of loading, and where other processes want the cores
/// threads would wait for each other longer than that.
void read_elements(const StoredTensor& from, std::uint64_t first, const at::Tensor& to) {
  constexpr std::int64_t kBlock = std::int64_t{1} << 15;  // elements: libtorch casts so many by one thread, and they stay in the cache
  const at::ScalarType stored = *from.type->floating;
  const bool cast = to.scalar_type() != stored;
  const std::size_t width = from.type->bytes;
  const auto read = [&](std::uint64_t element, const at::Tensor& target) {
    const std::uint64_t offset = from.offset + (first + element) * width;
    const std::span bytes(static_cast<std::byte*>(target.mutable_data_ptr()), target.nbytes());
    if (!from.file->read(offset, bytes)) refuse("it was cut short while it was read");
  };
  if (!cast) return read(0, to);
  const at::Tensor elements = to.view({-1}), buffer = at::empty({std::min(kBlock, elements.numel())}, stored);
  for (std::int64_t at = 0; at < elements.numel(); at += kBlock) {
    const std::int64_t count = std::min(kBlock, elements.numel() - at);
    const at::Tensor part = buffer.narrow(0, 0, count);
    read(static_cast<std::uint64_t>(at), part);
    elements.narrow(0, at, count).copy_(part);
  }
}

}  // namespace

const ElementType* ElementType::of(std::string_view name) {
  const auto* const found = std::find_if(kTypes.begin(), kTypes.end(), [&](const ElementType& type) { return type.name == name; });
  return found == kTypes.end() ? nullptr : found;
}

std::int64_t count_elements(const std::vector<std::int64_t>& shape) {
  constexpr std::int64_t kMost = std::int64_t{1} << 48;
  // Sides next to a 0 count too: libtorch multiplies them for its strides.
  std::int64_t product = 1;
  bool none = false;
  for (const std::int64_t side : shape) {
    none = none || side == 0;
    const bool fits = side >= 0 && !__builtin_mul_overflow(product, std::max<std::int64_t>(side, 1), &product) && product <= kMost;
    if (!fits) refuse("the shape " + in_brackets(shape) + " is of an absurd size");
  }
  return none ? 0 : product;
}

std::vector<std::int64_t> strides_of_rows(const std::vector<std::int64_t>& shape) {
  std::vector<std::int64_t> strides(shape.size(), 1);
  for (std::size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<std::int64_t>(shape[i], 1);
  return strides;
}

std::uint64_t count_reached(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  if (count_elements(shape) == 0) return 0;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    std::int64_t reach = 0;
    const bool fits =
        strides[i] >= 0 && !__builtin_mul_overflow(shape[i] - 1, strides[i], &reach) && !__builtin_add_overflow(last, reach, &last);
    if (!fits) refuse("the strides " + in_brackets(strides) + " are absurd");
  }
  return static_cast<std::uint64_t>(last) + 1;
}

at::Tensor read_rows(const StoredTensor& tensor, std::int64_t begin, std::int64_t end, at::ScalarType type) {
  std::vector<std::int64_t> shape = tensor.shape;
  std::uint64_t first = 0;
  if (!shape.empty()) {
    shape[0] = end - begin;
    first = static_cast<std::uint64_t>(begin) * static_cast<std::uint64_t>(tensor.strides[0]);
  }
  at::Tensor rows = at::empty(shape, type);
  if (rows.numel() == 0) return rows;
  if (rows.strides().equals(tensor.strides)) {
    read_elements(tensor, first, rows);
    return rows;
  }
  const at::Tensor reached = at::empty({static_cast<std::int64_t>(count_reached(shape, tensor.strides))}, type);
  read_elements(tensor, first, reached);
  return rows.copy_(reached.as_strided(shape, tensor.strides));
}

}  // namespace interrogator
