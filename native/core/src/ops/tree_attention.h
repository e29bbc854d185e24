// Attention of nodes of a prefix tree to the shared prefix and to the nodes on their paths from the root.
#pragma once

#include <ATen/core/Tensor.h>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// q: [R, H, d]; k, v: [M, H, d]; prefix_k, prefix_v: [H, P, d]; ancestors: int64 [R, A], for each row
/// the nodes that it attends to, then -1. Returns [R, H, d] of q's type:
/// softmax(scale · q·[prefix_k, k[ancestors]]) · [prefix_v, v[ancestors]].
/// float32, float16, bfloat16 (the last two computed in float32). Any strides. A row's result does not
/// depend on which other rows are computed with it.
/// Throws c10::Error on shapes that do not fit and on ancestors outside [-1, M).
at::Tensor tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale, SimdSet set = best_simd_set());

/// Throws c10::Error on shapes, types and devices that do not fit.
void check_tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors);

}  // namespace interrogator::ops
