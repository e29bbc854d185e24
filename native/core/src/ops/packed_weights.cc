#include "ops/packed_weights.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "ops/simd/packed_product.h"
#include "platform/memory.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kPairs = 1024;  // that are worth another thread

}  // namespace

bool packing_pays() noexcept { return best_simd_set() >= SimdSet::kAvx2; }

at::Tensor pack_weight(const at::Tensor& weight, bool has_bias, SimdSet set) {
  const std::int64_t width = INTERROGATOR_CHOOSE(set, simd::panel_width)();
  TORCH_CHECK(weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.dim() == 2 && weight.size(1) > 0,
              "packs float32 [N, K] on the CPU, not ", weight.scalar_type(), " ", weight.sizes());
  const std::int64_t outputs = weight.size(0), depth = weight.size(1), panels = (outputs + width - 1) / width;
  if (!has_bias && outputs % width != 0) return {};
  const at::Tensor plain = weight.contiguous();
  at::Tensor packed = empty_in_huge_pages({panels, depth, width});
  const float* const from = plain.const_data_ptr<float>();
  float* const to = packed.data_ptr<float>();
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const std::int64_t first = panel * width, here = std::min(width, outputs - first);
      float* const values = to + first * depth;
      for (std::int64_t k = 0; k < depth; ++k) {
        for (std::int64_t i = 0; i < here; ++i) values[k * width + i] = from[(first + i) * depth + k];
        std::fill(values + k * width + here, values + (k + 1) * width, 0.0F);
      }
    }
  });
  return packed;
}

at::Tensor quantize_weight(const at::Tensor& packed, SimdSet set) {
  simd::QuantizePanelFunction* const quantize_panel = INTERROGATOR_CHOOSE(set, simd::quantize_panel);
  TORCH_CHECK(packed.is_cpu() && packed.scalar_type() == at::kFloat && packed.dim() == 3 && packed.is_contiguous() &&
                  packed.size(2) == INTERROGATOR_CHOOSE(set, simd::panel_width)(),
              "rounds what pack_weight made here, not ", packed.scalar_type(), " ", packed.sizes());
  const std::int64_t panels = packed.size(0), depth = packed.size(1), width = packed.size(2);
  at::Tensor quantized = empty_in_huge_pages({panels, depth + simd::kScaleBytes, width}, at::kChar);
  const float* const from = packed.const_data_ptr<float>();
  std::int8_t* const to = quantized.data_ptr<std::int8_t>();
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      quantize_panel(from + panel * depth * width, depth, to + panel * (depth + simd::kScaleBytes) * width);
    }
  });
  return quantized;
}

at::Tensor round_weight([[maybe_unused]] const at::Tensor& packed) {
  TORCH_CHECK(has_bfloat16_products(), "this processor has no products of bfloat16");
  at::Tensor rounded;
#ifdef INTERROGATOR_X86_SIMD
  TORCH_CHECK(packed.is_cpu() && packed.scalar_type() == at::kFloat && packed.dim() == 3 && packed.is_contiguous() &&
                  packed.size(2) == simd::panel_width_avx512(),
              "rounds what pack_weight made here, not ", packed.scalar_type(), " ", packed.sizes());
  const std::int64_t panels = packed.size(0), depth = packed.size(1), width = packed.size(2);
  if (depth % 2 != 0) return {};
  rounded = empty_in_huge_pages({panels, depth / 2, width, 2}, at::kBFloat16);
  const float* const from = packed.const_data_ptr<float>();
  auto* const to = static_cast<std::uint16_t*>(rounded.mutable_data_ptr());
  at::parallel_for(0, panels * depth / 2, kPairs, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> pairs(2 * width);
    for (std::int64_t pair = begin; pair < end; ++pair) {
      const float* const values = from + pair * 2 * width;
      for (std::int64_t i = 0; i < width; ++i) pairs[2 * i] = values[i], pairs[2 * i + 1] = values[width + i];
      simd::to_bfloat16(pairs.data(), 2 * width, to + pair * 2 * width);
    }
  });
#endif
  return rounded;
}

std::vector<std::int64_t> plain_size(const at::Tensor& weight) {
  if (weight.dim() == 4) return {weight.size(0) * weight.size(2), weight.size(1) * weight.size(3)};
  if (weight.dim() != 3) return weight.sizes().vec();
  const std::int64_t depth = weight.size(1) - (weight.scalar_type() == at::kChar ? simd::kScaleBytes : 0);
  return {weight.size(0) * weight.size(2), depth};
}

}  // namespace interrogator::ops
