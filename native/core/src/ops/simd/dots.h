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
using HalfDotsFunction = void (*)(const HalfDots&);
void half_dots_baseline(const HalfDots& dots);
void half_dots_avx2(const HalfDots& dots);
void half_dots_avx512(const HalfDots& dots);

using FloatDotsFunction = void (*)(const FloatDots&);
void float_dots_baseline(const FloatDots& dots);
void float_dots_avx2(const FloatDots& dots);
void float_dots_avx512(const FloatDots& dots);

/// results[i]: the sum of the squares of row i of count × dim float16 numbers, accumulated in float32.
using HalfSquaresFunction = void (*)(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results);
void half_squares_baseline(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results);
void half_squares_avx2(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results);
void half_squares_avx512(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results);

}  // namespace interrogator::ops::simd
