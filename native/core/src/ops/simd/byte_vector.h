// Bytes as vectors of floats, see vector.h. GCC converts its own vectors one number at a time, so the conversions are written with the
// processor's instructions.
#pragma once

#include "ops/simd/vector.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace interrogator::ops::simd {

namespace {

inline Vector load_bytes(const std::int8_t* from) {
#if defined(__AVX512F__)
  return reinterpret_cast<Vector>(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))));
#elif defined(__AVX2__)
  return reinterpret_cast<Vector>(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from)))));
#else
  float lanes[kLanes];
  for (int i = 0; i < kLanes; ++i) lanes[i] = from[i];
  return load(lanes);
#endif
}

/// Rounded to the nearest whole number; in [-127, 127].
inline void store_bytes(std::int8_t* to, Vector values) {
#if defined(__AVX512F__)
  const __m512i whole = _mm512_cvtps_epi32(reinterpret_cast<__m512>(values));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_cvtsepi32_epi8(whole));
#elif defined(__AVX2__)
  const __m256i whole = _mm256_cvtps_epi32(reinterpret_cast<__m256>(values));
  const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), _mm_packs_epi16(words, words));
#else
  float lanes[kLanes];
  store(lanes, values);
  for (int i = 0; i < kLanes; ++i) to[i] = static_cast<std::int8_t>(lanes[i] < 0 ? lanes[i] - 0.5F : lanes[i] + 0.5F);
#endif
}

}  // namespace

}  // namespace interrogator::ops::simd
