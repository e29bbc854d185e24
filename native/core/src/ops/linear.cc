#include "ops/linear.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <type_traits>

#include "ops/simd/dots.h"
#include "ops/simd/packed_product.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kOutputs = 64;         // of a plain weight that a thread takes at a time
constexpr std::int64_t kRows = 96;            // most that pass through a panel while it is cached
constexpr std::int64_t kLeastWork = 1 << 18;  // multiplications that are worth another thread

bool is_plain(const at::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous(); }

bool few_rows_fit(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  return x.dim() >= 1 && x.size(-1) > 0 && x.numel() / x.size(-1) <= kFewRows && is_plain(x) && weight.dim() == 2 &&
         weight.size(1) == x.size(-1) && is_plain(weight) && (!bias || (is_plain(*bias) && bias->numel() == weight.size(0)));
}

at::Tensor result_like(const at::Tensor& x, std::int64_t outputs) {
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.back() = outputs;
  return at::empty(sizes, x.options());
}

const float* numbers(const std::optional<at::Tensor>& bias) { return bias ? bias->const_data_ptr<float>() : nullptr; }

at::Tensor few_rows_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  simd::FloatDotsFunction* const dots = INTERROGATOR_CHOOSE(set, simd::float_dots);
  const std::int64_t depth = x.size(-1), rows = x.numel() / depth, outputs = weight.size(0);
  at::Tensor result = result_like(x, outputs);
  float* const results = result.data_ptr<float>();
  const float* const added = numbers(bias);
  at::parallel_for(0, (outputs + kOutputs - 1) / kOutputs, 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t first = begin * kOutputs, last = std::min(end * kOutputs, outputs);
    dots({.rows = weight.const_data_ptr<float>() + first * depth,
          .count = last - first,
          .dim = depth,
          .features = x.const_data_ptr<float>(),
          .batch = rows,
          .results = results + first,
          .result_stride = outputs});
    if (!added) return;
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t i = first; i < last; ++i) results[row * outputs + i] += added[i];
    }
  });
  return result;
}

/// With a weight packed in panels of float32 (Number), or of bytes with their scales. Throws where they do not fit.
template <class Number>
at::Tensor packed_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set,
                         void (*product)(const simd::PanelProduct<Number>&)) {
  constexpr bool kBytes = std::is_same_v<Number, std::int8_t>;
  const std::int64_t panels = weight.size(0), depth = weight.size(1) - (kBytes ? simd::kScaleBytes : 0), width = weight.size(2);
  const std::int64_t outputs = bias ? bias->numel() : panels * width;
  TORCH_CHECK(weight.is_cpu() && weight.is_contiguous() && depth > 0 && width == INTERROGATOR_CHOOSE(set, simd::panel_width)(),
              "the weight is packed for other processors");
  TORCH_CHECK(input.is_cpu() && input.scalar_type() == at::kFloat && input.dim() >= 1 && input.size(-1) == depth,
              "linear takes float32 [..., ", depth, "], not ", input.scalar_type(), " ", input.sizes());
  TORCH_CHECK(!bias || (is_plain(*bias) && (outputs + width - 1) / width == panels), "the bias does not fit the weight");
  const at::Tensor x = input.contiguous();
  const std::int64_t rows = x.numel() / depth, blocks = kBytes ? std::min<std::int64_t>(rows, 1) : (rows + kRows - 1) / kRows;
  at::Tensor result = result_like(x, outputs);
  const std::int64_t work = blocks > 0 ? rows / blocks * depth * width : 1;
  // A task is a panel with a block of rows; a thread takes neighbours.
  at::parallel_for(0, blocks * panels, std::max<std::int64_t>(1, kLeastWork / work), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end;) {
      const std::int64_t block = task / panels, next = std::min(end, (block + 1) * panels);
      const std::int64_t row = rows * block / blocks;
      product({.x = x.const_data_ptr<float>() + row * depth,
               .rows = rows * (block + 1) / blocks - row,
               .depth = depth,
               .panels = weight.const_data_ptr<Number>(),
               .first = task % panels,
               .last = next - block * panels,
               .outputs = outputs,
               .bias = numbers(bias),
               .results = result.data_ptr<float>() + row * outputs});
      task = next;
    }
  });
  return result;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  if (weight.dim() == 3 && weight.scalar_type() == at::kChar)
    return packed_linear(x, weight, bias, set, INTERROGATOR_CHOOSE(set, simd::byte_product));
  if (weight.dim() == 3) return packed_linear(x, weight, bias, set, INTERROGATOR_CHOOSE(set, simd::packed_product));
  if (few_rows_fit(x, weight, bias)) return few_rows_linear(x, weight, bias, set);
  return at::linear(x, weight, bias);
}

}  // namespace interrogator::ops
