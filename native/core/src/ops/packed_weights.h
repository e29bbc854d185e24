// A linear layer's weight laid out for ops/linear.h: in panels of as many outputs as two vectors hold.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// Whether linear computes more than a few rows faster from packed weights than libtorch from plain ones: from AVX2 on.
bool packing_pays() noexcept;

/// weight: float32 [N, K] on the CPU, K > 0 → [panels, K, width]: [p, k, i] is weight[p * width + i, k], or 0 past N. Done
/// once, where libtorch packs at each call. Undefined where linear could not tell N from
/// the result: width does not divide it, and there is no bias. Throws c10::Error for other types and shapes.
at::Tensor pack_weight(const at::Tensor& weight, bool has_bias, SimdSet set = best_simd_set());

/// What pack_weight made, in a quarter of its memory and to 1 / 254 of each output's largest number: int8 [panels, K + 4, width],
/// where [p, k, i] is a whole number in [-127, 127] of the output's scale, and the last four rows of a panel are its
/// scales, float32 [width]. Throws c10::Error for what is not packed for `set`.
at::Tensor quantize_weight(const at::Tensor& packed, SimdSet set = best_simd_set());

/// What pack_weight made for AVX-512, rounded to bfloat16, for products with rows that are rounded alike: [panels, K / 2, width, 2], where
/// [p, k, i] are two neighbours along K. Undefined where K is odd. Throws c10::Error where has_bfloat16_products() is false, and for what
/// is not packed so.
at::Tensor round_weight(const at::Tensor& packed);

/// The size of a plain weight, or what it was of one that is packed, rounded or quantized and fills its panels.
std::vector<std::int64_t> plain_size(const at::Tensor& weight);

}  // namespace interrogator::ops
