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

/// Throws where they do not fit a weight of so many panels.
void check_fit(const at::Tensor& x, std::int64_t depth, const std::optional<at::Tensor>& bias, std::int64_t panels, std::int64_t width) {
  TORCH_CHECK(x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() >= 1 && x.size(-1) == depth, "linear takes float32 [..., ", depth,
              "], not ", x.scalar_type(), " ", x.sizes());
  TORCH_CHECK(!bias || (is_plain(*bias) && (bias->numel() + width - 1) / width == panels), "the bias does not fit the weight");
}

/// Neighbouring panels, [first, last), with some rows of x.
struct PanelTask {
  std::int64_t row, rows, first, last;
};

/// All panels with all rows, in `blocks` of them, on several threads. `work`: multiplications of a panel with a row.
template <class Product>
void for_panels(std::int64_t rows, std::int64_t blocks, std::int64_t panels, std::int64_t work, const Product& product) {
  const std::int64_t of_task = blocks > 0 ? rows / blocks * work : 1;
  // A task is a panel with a block of rows; a thread takes neighbours.
  at::parallel_for(0, blocks * panels, std::max<std::int64_t>(1, kLeastWork / of_task), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t task = begin; task < end;) {
      const std::int64_t block = task / panels, next = std::min(end, (block + 1) * panels);
      const std::int64_t row = rows * block / blocks;
      product(PanelTask{row, rows * (block + 1) / blocks - row, task % panels, next - block * panels});
      task = next;
    }
  });
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
  check_fit(input, depth, bias, panels, width);
  const at::Tensor x = input.contiguous();
  const std::int64_t rows = x.numel() / depth, blocks = kBytes ? std::min<std::int64_t>(rows, 1) : (rows + kRows - 1) / kRows;
  at::Tensor result = result_like(x, outputs);
  for_panels(rows, blocks, panels, depth * width, [&](const PanelTask& task) {
    product({.x = x.const_data_ptr<float>() + task.row * depth,
             .rows = task.rows,
             .depth = depth,
             .panels = weight.const_data_ptr<Number>(),
             .first = task.first,
             .last = task.last,
             .outputs = outputs,
             .bias = numbers(bias),
             .results = result.data_ptr<float>() + task.row * outputs});
  });
  return result;
}

#ifdef INTERROGATOR_X86_SIMD
/// With a weight that round_weight made. x is rounded once, for all panels.
at::Tensor bfloat16_linear(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  const std::int64_t panels = weight.size(0), pairs = weight.size(1), width = weight.size(2);
  const std::int64_t outputs = bias ? bias->numel() : panels * width;
  TORCH_CHECK(weight.is_cpu() && weight.scalar_type() == at::kBFloat16 && weight.is_contiguous() && pairs > 0 && weight.size(3) == 2 &&
                  has_bfloat16_products() && width == simd::panel_width_avx512(),
              "the weight is rounded for other processors");
  check_fit(input, 2 * pairs, bias, panels, width);
  const at::Tensor x = input.contiguous();
  const std::int64_t rows = x.numel() / (2 * pairs);
  at::Tensor result = result_like(x, outputs);
  const at::Tensor rounded = at::empty({rows, pairs}, x.options().dtype(at::kInt));
  at::parallel_for(0, rows, std::max<std::int64_t>(1, kLeastWork / (2 * pairs)), [&](std::int64_t begin, std::int64_t end) {
    simd::to_bfloat16(x.const_data_ptr<float>() + begin * 2 * pairs, (end - begin) * 2 * pairs,
                      static_cast<std::uint16_t*>(rounded.mutable_data_ptr()) + begin * 2 * pairs);
  });
  const auto* const all_x = static_cast<const simd::BFloat16Pair*>(rounded.const_data_ptr());
  const auto* const all_panels = static_cast<const simd::BFloat16Pair*>(weight.const_data_ptr());
  for_panels(rows, (rows + kRows - 1) / kRows, panels, 2 * pairs * width, [&](const PanelTask& task) {
    simd::bfloat16_product({.x = all_x + task.row * pairs,
                            .rows = task.rows,
                            .depth = pairs,
                            .panels = all_panels,
                            .first = task.first,
                            .last = task.last,
                            .outputs = outputs,
                            .bias = numbers(bias),
                            .results = result.data_ptr<float>() + task.row * outputs});
  });
  return result;
}
#endif

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set) {
  if (weight.dim() == 3 && weight.scalar_type() == at::kChar)
    return packed_linear(x, weight, bias, set, INTERROGATOR_CHOOSE(set, simd::byte_product));
#ifdef INTERROGATOR_X86_SIMD
  if (weight.dim() == 4) return bfloat16_linear(x, weight, bias);
#endif
  if (weight.dim() == 3) return packed_linear(x, weight, bias, set, INTERROGATOR_CHOOSE(set, simd::packed_product));
  if (few_rows_fit(x, weight, bias)) return few_rows_linear(x, weight, bias, set);
  return at::linear(x, weight, bias);
}

}  // namespace interrogator::ops
