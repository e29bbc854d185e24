// tree_attention where the tensors are on a CUDA device.
#pragma once

#include <ATen/core/Tensor.h>

#include "device/cuda_kernels.h"

namespace interrogator::ops {

/// As ops::tree_attention, with q, ancestors and the result of R rows, k and v of M nodes. What an ancestors' row holds
/// from the first entry outside [0, M) on is left out, and not an error: reading the values back would stop the stream.
/// Throws c10::Error on shapes that do not fit.
at::Tensor tree_attention_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                               const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale);

/// The same with these kernels; null: by libtorch's operators, on any device.
at::Tensor tree_attention_with(const CudaKernels* kernels, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const at::Tensor& prefix_k, const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale);

}  // namespace interrogator::ops
