#include "ops/few_rows_linear.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/simd/dots.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kOutputs = 64;  // that a thread takes at a time

bool fits(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const auto is_plain = [](const at::Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
  };
  return x.dim() >= 1 && x.size(-1) > 0 && x.numel() / x.size(-1) <= kFewRows && is_plain(x) && weight.dim() == 2 &&
         weight.size(1) == x.size(-1) && is_plain(weight) && (!bias || (is_plain(*bias) && bias->numel() == weight.size(0)));
}

}  // namespace

at::Tensor few_rows_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  if (!fits(x, weight, bias)) return at::linear(x, weight, bias);
  const simd::FloatDotsFunction dots = INTERROGATOR_CHOOSE(set, simd::float_dots);
  const std::int64_t depth = x.size(-1), rows = x.numel() / depth, outputs = weight.size(0);
  std::vector<std::int64_t> sizes = x.sizes().vec();
  sizes.back() = outputs;
  at::Tensor result = at::empty(sizes, x.options());
  float* const results = result.data_ptr<float>();
  const float* const added = bias ? bias->const_data_ptr<float>() : nullptr;
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

}  // namespace interrogator::ops
