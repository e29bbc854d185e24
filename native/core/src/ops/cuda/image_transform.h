// image_transform for a model on a CUDA device: the decoded pixels go up, the resizing happens there.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include "device/cuda_kernels.h"
#include "interrogator/image_preprocess.h"
#include "interrogator/image_view.h"

namespace interrogator::ops {

/// image_transform's numbers rounded to `type`, [3, preprocess.height, preprocess.width] on `device`. Queued on the calling
/// thread's stream and not waited for; the image may be freed at once. By the kernels, which then work on `device`, whatever it is; null:
/// on the host, then copied, which on the CPU is image_transform itself.
at::Tensor image_transform_on(const ImageView& image, const ImagePreprocess& preprocess, c10::Device device, at::ScalarType type,
                              const CudaKernels* kernels);

}  // namespace interrogator::ops
