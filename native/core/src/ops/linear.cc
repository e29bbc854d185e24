#include "ops/linear.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/simd/byte_product.h"
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
  const simd::FloatDotsFunction dots = INTERROGATOR_CHOOSE(set, simd::float_dots);
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

/// Throws where they do not fit: a packed weight of `depth` inputs, float32 on the CPU otherwise.
std::int64_t packed_outputs(const at::Tensor& x, const at::Tensor& weight, std::int64_t depth, const std::optional<at::Tensor>& bias,
                            SimdSet set) {
  const std::int64_t panels = weight.size(0), width = weight.size(2), outputs = bias ? bias->numel() : panels * width;
  TORCH_CHECK(weight.is_cpu() && weight.is_contiguous() && depth > 0 && width == INTERROGATOR_CHOOSE(set, simd::panel_width)(),
              "the weight is packed for other processors");
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() >= 1 && x.size(-1) == depth, "linear takes float32 [..., ", depth,
              "], not ", x.scalar_type(), " ", x.sizes());
  TORCH_CHECK(!bias || (is_plain(*bias) && (outputs + width - 1) / width == panels), "the bias does not fit the weight");
  return outputs;
}

at::Tensor packed_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  const simd::PackedProductFunction product = INTERROGATOR_CHOOSE(set, simd::packed_product);
  const std::int64_t panels = weight.size(0), depth = weight.size(1), width = weight.size(2);
  const std::int64_t outputs = packed_outputs(input, weight, depth, bias, set);
  const at::Tensor x = input.contiguous();
  const std::int64_t rows = x.numel() / depth, blocks = (rows + kRows - 1) / kRows;
  at::Tensor result = result_like(x, outputs);
  const std::int64_t work = blocks > 0 ? rows / blocks * depth * width : 1;
  // A task is a panel with a block of rows; a thread takes neighbours.
  at::parallel_for(0, blocks * panels, std::max<std::int64_t>(1, kLeastWork / std::max<std::int64_t>(1, work)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t task = begin; task < end;) {
                       const std::int64_t block = task / panels, next = std::min(end, (block + 1) * panels);
                       const std::int64_t row = rows * block / blocks;
                       product({.x = x.const_data_ptr<float>() + row * depth,
                                .rows = rows * (block + 1) / blocks - row,
                                .depth = depth,
                                .panels = weight.const_data_ptr<float>(),
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

at::Tensor byte_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  const simd::ByteProductFunction product = INTERROGATOR_CHOOSE(set, simd::byte_product);
  const std::int64_t panels = weight.size(0), depth = weight.size(1) - simd::kScaleBytes;
  const std::int64_t outputs = packed_outputs(input, weight, depth, bias, set);
  const at::Tensor x = input.contiguous();
  at::Tensor result = result_like(x, outputs);
  const std::int64_t rows = x.numel() / depth;
  const std::int64_t work = std::max<std::int64_t>(1, rows * depth * weight.size(2));
  at::parallel_for(0, panels, std::max<std::int64_t>(1, kLeastWork / work), [&](std::int64_t begin, std::int64_t end) {
    product({.x = x.const_data_ptr<float>(),
             .rows = rows,
             .depth = depth,
             .panels = weight.const_data_ptr<std::int8_t>(),
             .first = begin,
             .last = end,
             .outputs = outputs,
             .bias = numbers(bias),
             .results = result.data_ptr<float>()});
  });
  return result;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  if (weight.dim() == 3 && weight.scalar_type() == at::kChar) return byte_linear(x, weight, bias, set);
  if (weight.dim() == 3) return packed_linear(x, weight, bias, set);
  if (few_rows_fit(x, weight, bias)) return few_rows_linear(x, weight, bias, set);
  return at::linear(x, weight, bias);
}

}  // namespace interrogator::ops
