// Built for AVX-512 with BF16 alone (cmake/SimdBuilds.cmake).
#include <immintrin.h>

#include "ops/simd/packed_product.h"
#include "ops/simd/panels.h"

namespace interrogator::ops::simd {

namespace {

/// Of pairs: two products are added to each sum at once.
struct BFloat16Pairs {
  using Number = BFloat16Pair;
  static __m512bh load(const Number* from) { return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from)); }
  static __m512bh broadcast(Number pair) { return reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(pair))); }
  static Vector add_product(Vector sum, __m512bh a, __m512bh b) {
    return reinterpret_cast<Vector>(_mm512_dpbf16_ps(reinterpret_cast<__m512>(sum), a, b));
  }
};

}  // namespace

void bfloat16_product(const BFloat16Product& product) { panel_product<BFloat16Pairs>(product); }

void to_bfloat16(const float* from, std::int64_t count, std::uint16_t* to) {
  const auto convert = [](const float* numbers, std::uint16_t* rounded) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rounded), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(numbers))));
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) convert(from + i, to + i);
  float rest[kLanes] = {};
  std::uint16_t rounded[kLanes];
  for (std::int64_t k = i; k < count; ++k) rest[k - i] = from[k];
  convert(rest, rounded);
  for (std::int64_t k = i; k < count; ++k) to[k] = rounded[k - i];
}

}  // namespace interrogator::ops::simd
