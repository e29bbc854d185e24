// Softmax attention that gives a query the same in any company.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// As at::scaled_dot_product_attention without dropout: q [B, heads, T, d], k [B, heads, S, d], v [B, heads, S, dv] → [B, heads, T, dv], or
/// all without `heads`; mask bool (true: seen) or float32 (added), which broadcasts to [B, heads, T, S]. float32 on the CPU is computed
/// here: the same for a query to the last bit whatever the other queries and images are, and whatever tokens lie behind it that it
/// does not see, as long as T is at most kFewQueries or always more. All else is left to libtorch.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask = {},
                     bool is_causal = false, std::optional<double> scale = {}, SimdSet set = best_simd_set());

/// So many read keys and values as they lie; for more, these are laid out anew first. A decoder's step reads one, and with its drafts six.
inline constexpr std::int64_t kFewQueries = 8;

}  // namespace interrogator::ops
