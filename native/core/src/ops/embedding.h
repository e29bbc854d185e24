// Rows of a weight by their ids, which may be packed for linear layers that share it.
#pragma once

#include <ATen/core/Tensor.h>

namespace interrogator::ops {

/// As at::embedding of a weight [N, K] that pack_weight may have packed: ids int64 [...] → [..., K], to the last bit what the
/// plain one gives. Throws c10::Error for ids outside of it; what fills the last panel of a packed one gives zeros.
at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids);

}  // namespace interrogator::ops
