// Attention of each node of a prefix tree to the shared prefix and to the nodes on its path from the root.
#pragma once

#include <ATen/core/Tensor.h>

namespace interrogator::ops {

/// q, k, v: [M, H, d]; prefix_k, prefix_v: [H, P, d]; ancestors: int64 [M, A], for each node the
/// nodes that it attends to, itself included, then -1. Returns [M, H, d] of q's type:
/// softmax(scale · q·[prefix_k, k[ancestors]]) · [prefix_v, v[ancestors]].
/// float32, float16, bfloat16 (the last two computed in float32). Any strides.
/// Throws c10::Error on shapes that do not fit and on ancestors outside [-1, M).
at::Tensor tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale);

/// Makes interrogator::tree_attention known to TorchScript. Call it before loading a model:
/// the call is what keeps a static library's registration in the program. Idempotent.
void register_operators();

}  // namespace interrogator::ops
