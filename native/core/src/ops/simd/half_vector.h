// Float16 numbers as vectors of floats, see vector.h. F16C and AVX-512 convert in hardware.
#pragma once

#include "ops/simd/vector.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace interrogator::ops::simd {

namespace {

/// IEEE 754 binary16, exactly, infinities and what is not a number included.
inline float half_to_float(std::uint16_t half) {
#if defined(__F16C__)
  return _cvtsh_ss(half);
#else
  union {
    std::uint32_t bits;
    float value;
  } result;
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16, rest = half & 0x7fffU;
  if (rest >= 0x7c00U) {  // not finite: all exponent bits
    result.bits = sign | 0x7f800000U | ((rest & 0x3ffU) << 13);
  } else if (rest >= 0x400U) {  // normal: the exponent's bias is 15 here and 127 there
    result.bits = sign | ((rest << 13) + ((127U - 15U) << 23));
  } else {  // subnormal: a whole number of 2^-24
    result.value = static_cast<float>(rest) * 5.9604644775390625e-8F;
    result.bits |= sign;
  }
  return result.value;
#endif
}

inline Vector load_halves(const std::uint16_t* from) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vector>(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
#elif defined(__F16C__)
  return reinterpret_cast<Vector>(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#else
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = half_to_float(from[i]);
  return load(lanes);
#endif
}

}  // namespace

}  // namespace interrogator::ops::simd
