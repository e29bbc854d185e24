// Dot products of many rows with few features: the inner loop of ranking, and of a decoder's layers for few tokens.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned. Row: float, or std::uint16_t for float16.
template <class Row>
struct Dots {
  const Row* rows = nullptr;  ///< count × dim, one row after another
  std::int64_t count = 0, dim = 0;
  const float* features = nullptr;  ///< batch × dim, one after another
  std::int64_t batch = 0;
  float* results = nullptr;  ///< row i · feature b at results[b * result_stride + i]
  std::int64_t result_stride = 0;
};
using HalfDots = Dots<std::uint16_t>;
using FloatDots = Dots<float>;

/// Accumulated in float32. A result does not depend on the rows and features computed with it. The same source is built
/// for each instruction set.
using HalfDotsFunction = void(const HalfDots&);
HalfDotsFunction half_dots_baseline, half_dots_avx2, half_dots_avx512;

using FloatDotsFunction = void(const FloatDots&);
FloatDotsFunction float_dots_baseline, float_dots_avx2, float_dots_avx512;

/// results[i]: the sum of the squares of row i of count × dim float16 numbers, accumulated in float32.
using HalfSquaresFunction = void(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results);
HalfSquaresFunction half_squares_baseline, half_squares_avx2, half_squares_avx512;

}  // namespace interrogator::ops::simd
