// x · weightᵀ + bias for few rows of x: what a decoder's step consists of. The weights' memory is the limit.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// As at::linear: x [..., K], weight [N, K], bias [N] or none → [..., N]. Up to kFewRows rows of float32 on the CPU are
/// computed here, each the same to the last bit in any company; all else by libtorch.
at::Tensor few_rows_linear(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                           SimdSet set = best_simd_set());

/// More rows go to libtorch's matrix product: it packs the weights first, which pays once enough rows use them.
inline constexpr std::int64_t kFewRows = 4;

}  // namespace interrogator::ops
