#include "ops/independent/convolution.h"

#include <ATen/ATen.h>

#include "ops/independent/slices.h"

namespace interrogator::ops {

namespace {

// Multiplications of one image: fewer take a thread less time than threads take to meet.
constexpr std::int64_t kSmall = 1 << 22;

/// In one of two layouts, told by sides that are longer than 1: strides of others may be anything.
at::Tensor laid_out(const at::Tensor& x) {
  const bool channels_last = x.size(1) > 1 && x.size(2) * x.size(3) > 1 && x.stride(1) == 1;
  return x.contiguous(channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
}

std::int64_t output_side(std::int64_t side, std::int64_t kernel, std::int64_t stride, std::int64_t padding, std::int64_t dilation) {
  return (side + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
}

}  // namespace

at::Tensor conv2d(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias, at::IntArrayRef stride,
                  at::IntArrayRef padding, at::IntArrayRef dilation, std::int64_t groups) {
  const auto convolve = [&](const at::Tensor& image) { return at::conv2d(image, weight, bias, stride, padding, dilation, groups); };
  if (x.dim() != 4 || weight.dim() != 4) return convolve(x);
  const std::int64_t height = output_side(x.size(2), weight.size(2), stride.front(), padding.front(), dilation.front());
  const std::int64_t width = output_side(x.size(3), weight.size(3), stride.back(), padding.back(), dilation.back());
  const at::Tensor images = laid_out(x);
  return height * width * weight.numel() < kSmall ? by_slices_on_threads(images, convolve) : by_slices(images, convolve);
}

}  // namespace interrogator::ops
