// x · weightᵀ + bias on the CPU: what most of a model's time goes into.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// As at::linear: x [..., K], weight [N, K], bias [N] or none → [..., N]. The weight is either that, or what pack_weight,
/// quantize_weight or round_weight make of it (packed_weights.h). With these x is float32 and all is computed here; so are up to kFewRows
/// rows of float32 with plain ones, whose limit is the weights' memory; all else is left to libtorch. What is computed here is the same for
/// a row to the last bit in any company.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, SimdSet set = best_simd_set());

/// More rows with a plain weight go to libtorch's matrix product: it packs the weight first, which pays once enough rows use it.
inline constexpr std::int64_t kFewRows = 4;

}  // namespace interrogator::ops
