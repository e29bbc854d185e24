// Dot products of float16 rows with float32 features: the inner loop of ranking.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned.
struct HalfDots {
  const std::uint16_t* rows = nullptr;  ///< count × dim float16, one row after another
  std::int64_t count = 0, dim = 0;
  const float* features = nullptr;  ///< batch × dim, one after another
  std::int64_t batch = 0;
  float* results = nullptr;  ///< row i · feature b at results[b * result_stride + i]
  std::int64_t result_stride = 0;
};

/// Accumulated in float32. A result does not depend on the rows and features computed with it. The same source is built
/// for each instruction set.
using HalfDotsFunction = void (*)(const HalfDots&);
void half_dots_baseline(const HalfDots& dots);
void half_dots_avx2(const HalfDots& dots);
void half_dots_avx512(const HalfDots& dots);

}  // namespace interrogator::ops::simd
