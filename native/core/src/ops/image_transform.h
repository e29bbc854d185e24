// From decoded pixels to model input, to the bit what Pillow, torchvision and open_clip make of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "interrogator/image_preprocess.h"
#include "interrogator/image_view.h"
#include "ops/resample.h"

namespace interrogator::ops {

/// Where the model's window lies in the resized image. Negative offsets: the image is smaller
/// than the window there, the rest is `fill`.
struct ResizePlan {
  std::int64_t resized_width = 0, resized_height = 0;
  std::int64_t left = 0, top = 0;
  Filter filter = Filter::kBicubic;
  std::uint8_t fill = 0;
};

/// The sizes and offsets that `preprocess.resize_mode` gives an image of width × height.
ResizePlan plan_resize(std::int64_t width, std::int64_t height, const ImagePreprocess& preprocess);

/// The window of the resized image as 8-bit RGB, window_height × window_width × 3. Never holds
/// more of the resized image than that window.
std::vector<std::uint8_t> resize_window(const ImageView& image, const ResizePlan& plan, std::int64_t window_width,
                                        std::int64_t window_height);

/// (x/255 - mean) / std of each channel's 256 possible values, computed as torchvision does in float32.
using NormalisedValues = std::array<std::array<float, 256>, 3>;
NormalisedValues normalised_values(const ImagePreprocess& preprocess);

/// float32 [3, preprocess.height, preprocess.width] on the CPU: resized, cropped, (x/255 - mean) / std. The binding has checked the
/// image's size and lib/bundles what `preprocess` holds. Throws kImageSize for a side that is too long.
at::Tensor image_transform(const ImageView& image, const ImagePreprocess& preprocess);

}  // namespace interrogator::ops
