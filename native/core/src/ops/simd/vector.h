// Short vectors of floats for sources that are built once an instruction set: INTERROGATOR_SIMD names it (baseline,
// avx2, avx512), the compiler's flags choose it. Everything is internal to the including file.
#pragma once

#include <cstdint>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define INTERROGATOR_SIMD_JOIN(name, set) name##_##set
#define INTERROGATOR_SIMD_EXPAND(name, set) INTERROGATOR_SIMD_JOIN(name, set)
#define INTERROGATOR_SIMD_NAME(name) INTERROGATOR_SIMD_EXPAND(name, INTERROGATOR_SIMD)

#if defined(__clang__)
#define INTERROGATOR_NOT_UNROLLED _Pragma("clang loop unroll(disable)")
#else
#define INTERROGATOR_NOT_UNROLLED _Pragma("GCC unroll 1")
#endif

namespace interrogator::ops::simd {

namespace {

constexpr float kSmallest = -3.402823466e38F;

#ifdef __AVX512F__
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;  // two registers where the processor's hold four floats
#endif

// GCC's and Clang's own vectors: one source for AVX-512, AVX2 and SSE. Unaligned ones are for memory.
using Vector = float __attribute__((vector_size(kLanes * 4)));
using Integers = std::int32_t __attribute__((vector_size(kLanes * 4)));
using Unaligned = float __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

inline Vector load(const float* from) { return *reinterpret_cast<const Unaligned*>(from); }
inline void store(float* to, Vector values) { *reinterpret_cast<Unaligned*>(to) = values; }
/// Asks for a line of memory that is read soon. Any address will do.
inline void prefetch(const void* line) { __builtin_prefetch(line); }
/// As prefetch, past the first-level cache.
inline void prefetch_later(const void* line) { __builtin_prefetch(line, 0, 2); }
inline Vector broadcast(float value) { return value - Vector{}; }
/// Where `a` is not a number, the result is `a`.
inline Vector larger(Vector a, Vector b) { return b > a ? b : a; }
inline Vector smaller(Vector a, Vector b) { return b < a ? b : a; }
inline Vector power_of_two(Vector whole) { return reinterpret_cast<Vector>((__builtin_convertvector(whole, Integers) + 127) << 23); }

/// In a fixed order of additions: halves are added until one number is left. In registers where the compiler can be told so:
/// it takes the plain loop through memory, which waits for each store.
inline float sum_of(Vector values) {
#if defined(__AVX2__)
#if defined(__AVX512F__)
  const __m512 all = reinterpret_cast<__m512>(values);
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
#else
  const __m256 eight = reinterpret_cast<__m256>(values);
#endif
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
#else
  float lanes[kLanes];
  store(lanes, values);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
#endif
}

/// e^x to 2 units in the last place for x in [-87, 88], clamped outside: 2^n · e^r with r in ±ln 2 / 2, ln 2 in two parts
/// and e^r by the polynomial of Cephes' expf (Moshier, netlib.org/cephes).
inline Vector exponential(Vector x) {
  x = smaller(larger(x, broadcast(-87.3F)), broadcast(88.0F));
  const Vector shift = broadcast(12582912.0F);  // 1.5 · 2^23: adding it rounds to a whole number
  const Vector whole = (x * 1.44269504088896341F + shift) - shift;
  const Vector rest = (x - whole * 0.693359375F) - whole * -2.12194440e-4F;
  Vector sum = broadcast(1.9875691500e-4F);
  sum = sum * rest + 1.3981999507e-3F;
  sum = sum * rest + 8.3334519073e-3F;
  sum = sum * rest + 4.1665795894e-2F;
  sum = sum * rest + 1.6666665459e-1F;
  sum = sum * rest + 5.0000001201e-1F;
  return (sum * (rest * rest) + rest + 1.0F) * power_of_two(whole);
}

}  // namespace

}  // namespace interrogator::ops::simd
