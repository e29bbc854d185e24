// Images into one tensor of model input, several at a time.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <vector>

#include "interrogator/device.h"
#include "interrogator/image_preprocess.h"
#include "interrogator/image_view.h"

namespace interrogator {

/// [images, 3, height, width], each as ops::image_transform makes it, for a model that takes `type` on `device`: on the CPU over the
/// calling thread's intra-op threads, on CUDA by its kernels.
at::Tensor transform_images(const std::vector<ImageView>& images, const ImagePreprocess& preprocess, c10::Device device,
                            at::ScalarType type);

/// Most images a pass through a vision tower. On the CPU no more than keep it busy, so that the pass is no
/// longer than it must be: larger images fill it sooner.
std::size_t images_per_pass(const ImagePreprocess& preprocess, const Device& device);

}  // namespace interrogator
