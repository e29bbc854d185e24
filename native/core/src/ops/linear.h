// x · weightᵀ + bias on the CPU: what most of a model's time goes into.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// As at::linear: x [..., K], weight [N, K], bias [N] or none → [..., N]. The weight is either that, or what pack_weight
/// makes of it. Packed ones take float32 and are computed here; so are up to kFewRows rows of float32 with plain ones,
/// whose limit is the weights' memory; all else is left to libtorch. What is computed here is the same for a row to the
/// last bit in any company.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set = best_simd_set());

/// More rows with a plain weight go to libtorch's matrix product: it packs the weight first, which pays once enough rows use it.
inline constexpr std::int64_t kFewRows = 4;

/// Whether linear computes more than a few rows faster from packed weights than libtorch from plain ones: from AVX2 on.
bool packing_pays() noexcept;

/// weight: float32 [N, K] on the CPU, K > 0 → [panels, K, width]: [p, k, i] is weight[p * width + i, k], or 0 past N. Done
/// once, where libtorch packs at each call. Undefined where linear could not tell N from
/// the result: width does not divide it, and there is no bias.
at::Tensor pack_weight(const at::Tensor& weight, bool has_bias, SimdSet set = best_simd_set());

}  // namespace interrogator::ops
