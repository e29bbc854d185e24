// Images into one tensor of model input, several at a time.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <exception>
#include <vector>

#include "interrogator/image_preprocess.h"
#include "interrogator/image_view.h"

namespace interrogator {

struct ImageBatch {
  at::Tensor pixels;                       ///< [images that are fine, 3, height, width], of the model's type, on its device
  std::vector<std::exception_ptr> errors;  ///< one an image, null where it is fine
};

/// As ops::image_transform makes them, for a model that takes `type` on `device`: on the CPU over the calling thread's
/// intra-op threads, on CUDA by its kernels. A bad image fails alone.
ImageBatch transform_images(const std::vector<ImageView>& images, const ImagePreprocess& preprocess, c10::Device device,
                            at::ScalarType type);

/// Most images a pass through a vision tower. On the CPU no more than keep it busy, so that the pass is no
/// longer than it must be: larger images fill it sooner.
std::size_t images_per_pass(const ImagePreprocess& preprocess, std::size_t max_batch, bool on_cpu);

}  // namespace interrogator
