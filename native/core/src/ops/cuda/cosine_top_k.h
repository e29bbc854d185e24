// Ranking where labels and features are on a CUDA device.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "device/cuda_kernels.h"
#include "interrogator/ranking.h"

namespace interrogator::ops {

/// As ops::rank, with all tensors on one device. Waits for the result. Which of two nearly equal similarities is larger may depend on how
/// many features are ranked together: they are summed in another order. Kernels null: by libtorch's operators, on any device.
TopK rank_cuda(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const TopKOptions& options,
               const CudaKernels* kernels = cuda_kernels());

}  // namespace interrogator::ops
