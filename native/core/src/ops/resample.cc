#include "ops/resample.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "interrogator/error.h"
#include "interrogator/image_view.h"

namespace interrogator::ops {

namespace {

double bilinear(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

double bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
  return 0.0;
}

/// For output pixels start … start+count of a side resized from `source` to `target`.
Taps make_taps(std::int64_t source, std::int64_t target, Filter filter, std::int64_t start, std::int64_t count) {
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double filter_scale = std::max(scale, 1.0);
  const double support = (filter == Filter::kBicubic ? 2.0 : 1.0) * filter_scale;
  const double per_step = 1.0 / filter_scale;

  Taps taps;
  taps.offsets.push_back(0);
  std::vector<double> weights;
  for (std::int64_t i = start; i < start + count; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const std::int64_t first = std::max<std::int64_t>(static_cast<std::int64_t>(center - support + 0.5), 0);
    const std::int64_t end = std::min(static_cast<std::int64_t>(center + support + 0.5), source);
    weights.clear();
    double sum = 0;
    for (std::int64_t x = 0; x < end - first; ++x) {
      const double distance = (static_cast<double>(x + first) - center + 0.5) * per_step;
      weights.push_back(filter == Filter::kBicubic ? bicubic(distance) : bilinear(distance));
      sum += weights.back();
    }
    for (double weight : weights) {
      if (sum != 0.0) weight /= sum;
      const double fixed = weight * (1 << kFractionBits);
      taps.weights.push_back(static_cast<std::int32_t>(fixed + (weight < 0 ? -0.5 : 0.5)));
    }
    taps.first.push_back(static_cast<std::int32_t>(first));
    taps.offsets.push_back(static_cast<std::int32_t>(taps.weights.size()));
  }
  return taps;
}

}  // namespace

Side::Side(std::int64_t source, std::int64_t resized, std::int64_t offset, std::int64_t window_size, Filter filter) {
  if (source > kLongestSide) {
    throw Error(ErrorCode::kImageSize,
                "a side of " + std::to_string(source) + " pixels is too long to resize; make the image smaller first");
  }
  const std::int64_t start = std::max<std::int64_t>(offset, 0), before = std::max<std::int64_t>(-offset, 0);
  count = std::max<std::int64_t>(std::min(resized - start, window_size - before), 0);
  if (count == 0) return;
  window = before;
  taps = make_taps(source, resized, filter, start, count);
  first = taps.first.front();
  size = taps.first.back() + taps.count(taps.first.size() - 1) - first;
  for (std::int32_t& each : taps.first) each -= static_cast<std::int32_t>(first);
}

bool vertical_first(std::int64_t width, std::int64_t height, std::int64_t resized_width, std::int64_t resized_height) {
  return resized_height < height && height - resized_height > 2 * (width - resized_width);
}

}  // namespace interrogator::ops
