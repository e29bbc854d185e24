#include "images/image_batch.h"

#include <ATen/Parallel.h>
#include <ATen/ops/stack.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>

#include "ops/cuda/image_transform.h"

namespace interrogator {

at::Tensor transform_images(const std::vector<ImageView>& images, const ImagePreprocess& preprocess, c10::Device device,
                            at::ScalarType type) {
  std::vector<at::Tensor> made(images.size());
  const CudaKernels* const kernels = device.is_cuda() ? cuda_kernels() : nullptr;
  const auto transform = [&](std::int64_t begin, std::int64_t end) {
    const c10::InferenceMode inference;  // a thread's own
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      made[i] = ops::image_transform_on(images[i], preprocess, device, type, kernels);
    }
  };
  const auto count = static_cast<std::int64_t>(images.size());
  if (device.is_cpu()) {
    at::parallel_for(0, count, 1, transform);
  } else {
    transform(0, count);  // a stream is its thread's
  }
  return at::stack(made);
}

std::size_t images_per_pass(const ImagePreprocess& preprocess, const Device& device) {
  const std::size_t max_batch = device.options().max_batch;
  if (!device.torch_device().is_cpu()) return max_batch;
  constexpr std::int64_t kPixels = 8 * 224 * 224;
  const std::int64_t fill = kPixels / std::max<std::int64_t>(preprocess.height * preprocess.width, 1);
  return std::min(max_batch, static_cast<std::size_t>(std::max<std::int64_t>(fill, 1)));
}

}  // namespace interrogator
