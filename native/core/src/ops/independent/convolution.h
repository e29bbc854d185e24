// Convolution that gives an image the same in any company.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace interrogator::ops {

/// As at::conv2d: x [B, C, H, W], weight [O, C / groups, h, w]. libtorch convolves one image at a time: how it does so, and so the last
/// bits, depend on how many there are. Large ones get all threads, one after another; small ones a thread each, also one that is alone.
at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                  at::IntArrayRef padding, at::IntArrayRef dilation, std::int64_t groups);

}  // namespace interrogator::ops
