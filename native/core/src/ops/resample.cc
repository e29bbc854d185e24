#include "ops/resample.h"

#include <algorithm>
#include <cmath>

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

}  // namespace

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
    taps.first.push_back(first);
    taps.offsets.push_back(static_cast<std::int64_t>(taps.weights.size()));
  }
  return taps;
}

bool vertical_first(std::int64_t width, std::int64_t height, std::int64_t resized_width, std::int64_t resized_height) {
  return resized_height < height && height - resized_height > 2 * (width - resized_width);
}

Overlap overlap(std::int64_t offset, std::int64_t resized, std::int64_t window) {
  const std::int64_t image = std::max<std::int64_t>(offset, 0), start = std::max<std::int64_t>(-offset, 0);
  return {start, image, std::max<std::int64_t>(std::min(resized - image, window - start), 0)};
}

}  // namespace interrogator::ops
