#include "ops/image_transform.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

namespace interrogator::ops {

namespace {

constexpr int kChannels = 3;

std::uint8_t to_byte(std::int32_t sum) { return static_cast<std::uint8_t>(std::clamp(sum >> kFractionBits, 0, 255)); }

/// One source row, resized: taps.first.size() pixels.
void resize_row(const std::uint8_t* source, const Taps& taps, std::uint8_t* result) {
  for (std::size_t i = 0; i < taps.first.size(); ++i) {
    const std::uint8_t* pixel = source + taps.first[i] * kChannels;
    const std::int32_t* const weights = taps.weights.data() + taps.offsets[i];
    const std::int32_t count = taps.count(i);
    std::int32_t red = 1 << (kFractionBits - 1), green = red, blue = red;
    for (std::int32_t x = 0; x < count; ++x, pixel += kChannels) {
      red += pixel[0] * weights[x];
      green += pixel[1] * weights[x];
      blue += pixel[2] * weights[x];
    }
    result[i * kChannels] = to_byte(red);
    result[i * kChannels + 1] = to_byte(green);
    result[i * kChannels + 2] = to_byte(blue);
  }
}

/// The vertical pass, fed source row by source row: each is added to the output rows that it
/// touches, so that an image of any height needs the window's sums and no more. Integer sums do not
/// depend on their order.
class RowSums {
 public:
  RowSums(const Taps& taps, std::int64_t row_size)
      : taps_(taps), row_size_(row_size), sums_(taps.first.size() * static_cast<std::size_t>(row_size), 1 << (kFractionBits - 1)) {}

  /// In rising order of y.
  void add(std::int64_t y, const std::uint8_t* row) {
    while (open_ < taps_.first.size() && taps_.first[open_] + taps_.count(open_) <= y) ++open_;
    for (std::size_t i = open_; i < taps_.first.size() && taps_.first[i] <= y; ++i) {
      const std::int64_t tap = y - taps_.first[i];
      if (tap >= taps_.count(i)) continue;
      const std::int32_t weight = taps_.weights[static_cast<std::size_t>(taps_.offsets[i] + tap)];
      std::int32_t* const sums = sums_.data() + static_cast<std::int64_t>(i) * row_size_;
      for (std::int64_t x = 0; x < row_size_; ++x) sums[x] += row[x] * weight;
    }
  }

  void write(std::int64_t i, std::uint8_t* result) const {
    const auto start = sums_.begin() + i * row_size_;
    std::transform(start, start + row_size_, result, to_byte);
  }

 private:
  const Taps& taps_;
  std::int64_t row_size_;
  std::vector<std::int32_t> sums_;
  std::size_t open_ = 0;  ///< the first output row that later source rows still touch
};

/// Python's round(): halves to the even neighbour, in the rounding mode that every thread starts in.
std::int64_t round_half_even(double value) { return static_cast<std::int64_t>(std::nearbyint(value)); }

/// torchvision's center_crop of a side: padded first where smaller, the odd pixel to the far end. transformers' cuts off.
std::int64_t crop_offset(std::int64_t resized, std::int64_t window, const std::string& crop) {
  if (resized < window) return -((window - resized) / 2);
  if (crop == "floor") return (resized - window) / 2;
  return round_half_even(static_cast<double>(resized - window) / 2.0);
}

}  // namespace

ResizePlan plan_resize(std::int64_t width, std::int64_t height, const ImagePreprocess& preprocess) {
  ResizePlan plan;
  plan.filter = preprocess.interpolation == "bilinear" ? Filter::kBilinear : Filter::kBicubic;
  if (preprocess.resize_mode == "squash") {
    plan.resized_width = preprocess.width;
    plan.resized_height = preprocess.height;
    return plan;
  }

  const bool longest = preprocess.resize_mode == "longest";
  if (!longest && preprocess.width == preprocess.height) {
    // torchvision's Resize(int): truncated, not rounded.
    const std::int64_t size = preprocess.width, shorter = std::min(width, height);
    const auto scaled = [&](std::int64_t side) {
      return side == shorter ? size : static_cast<std::int64_t>(static_cast<double>(size * side) / static_cast<double>(shorter));
    };
    plan.resized_width = scaled(width);
    plan.resized_height = scaled(height);
  } else {
    // open_clip's ResizeKeepRatio. It rounds the short side of a very long image to 0 and then fails; 1 here.
    const double by_height = static_cast<double>(height) / static_cast<double>(preprocess.height);
    const double by_width = static_cast<double>(width) / static_cast<double>(preprocess.width);
    const double ratio = longest ? std::max(by_height, by_width) : std::min(by_height, by_width);
    plan.resized_width = std::max<std::int64_t>(round_half_even(static_cast<double>(width) / ratio), 1);
    plan.resized_height = std::max<std::int64_t>(round_half_even(static_cast<double>(height) / ratio), 1);
    // open_clip does not hand the interpolation on for the short side of a rectangle.
    if (!longest) plan.filter = Filter::kBicubic;
  }
  plan.left = crop_offset(plan.resized_width, preprocess.width, preprocess.crop);
  plan.top = crop_offset(plan.resized_height, preprocess.height, preprocess.crop);
  plan.fill = longest ? preprocess.fill : 0;
  return plan;
}

std::vector<std::uint8_t> resize_window(const ImageView& image, const ResizePlan& plan, std::int64_t window_width,
                                        std::int64_t window_height) {
  std::vector<std::uint8_t> window(static_cast<std::size_t>(window_width * window_height * kChannels), plan.fill);
  const Side columns(image.width, plan.resized_width, plan.left, window_width, plan.filter);
  const Side rows(image.height, plan.resized_height, plan.top, window_height, plan.filter);
  if (columns.count == 0 || rows.count == 0) return window;

  const bool vertical = vertical_first(image.width, image.height, plan.resized_width, plan.resized_height);
  RowSums sums(rows.taps, (vertical ? columns.size : columns.count) * kChannels);
  std::vector<std::uint8_t> resized(static_cast<std::size_t>(columns.count * kChannels));
  for (std::int64_t y = 0; y < rows.size; ++y) {
    const std::uint8_t* const row = image.data + ((rows.first + y) * image.width + columns.first) * kChannels;
    if (!vertical) resize_row(row, columns.taps, resized.data());
    sums.add(y, vertical ? row : resized.data());
  }

  std::vector<std::uint8_t> summed(static_cast<std::size_t>(columns.size * kChannels));
  for (std::int64_t y = 0; y < rows.count; ++y) {
    std::uint8_t* const target = window.data() + ((rows.window + y) * window_width + columns.window) * kChannels;
    sums.write(y, vertical ? summed.data() : target);
    if (vertical) resize_row(summed.data(), columns.taps, target);
  }
  return window;
}

NormalisedValues normalised_values(const ImagePreprocess& preprocess) {
  NormalisedValues values;
  for (std::size_t channel = 0; channel < values.size(); ++channel) {
    for (std::size_t value = 0; value < values[channel].size(); ++value) {
      values[channel][value] = (static_cast<float>(value) / 255.0F - preprocess.mean[channel]) / preprocess.std[channel];
    }
  }
  return values;
}

at::Tensor image_transform(const ImageView& image, const ImagePreprocess& preprocess) {
  const std::int64_t height = preprocess.height, width = preprocess.width, plane = height * width;
  const std::vector<std::uint8_t> window = resize_window(image, plan_resize(image.width, image.height, preprocess), width, height);

  at::Tensor result = at::empty({kChannels, height, width}, at::kFloat);
  const NormalisedValues values = normalised_values(preprocess);
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    float* const target = result.data_ptr<float>() + static_cast<std::int64_t>(channel) * plane;
    for (std::int64_t i = 0; i < plane; ++i) target[i] = values[channel][window[static_cast<std::size_t>(i) * kChannels + channel]];
  }
  return result;
}

}  // namespace interrogator::ops
