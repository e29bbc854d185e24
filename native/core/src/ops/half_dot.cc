#include "ops/half_dot.h"

#include <c10/util/Half.h>

#include "interrogator/error.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define INTERROGATOR_AVX2 1
#include <immintrin.h>
#endif

namespace interrogator::ops {

namespace {

void plain(const std::uint16_t* row, const float* features, std::int64_t dim, std::int64_t batch, float* results) {
  for (std::int64_t b = 0; b < batch; ++b) {
    const float* const feature = features + b * dim;
    float sum = 0;
    for (std::int64_t i = 0; i < dim; ++i) sum += c10::detail::fp16_ieee_to_fp32_value(row[i]) * feature[i];
    results[b] = sum;
  }
}

#ifdef INTERROGATOR_AVX2

#define INTERROGATOR_TARGET __attribute__((target("avx2,fma,f16c")))

INTERROGATOR_TARGET inline __m256 load_halves(const std::uint16_t* row) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(row)));
}

INTERROGATOR_TARGET inline float sum_of(__m256 sums) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INTERROGATOR_TARGET float one_avx2(const std::uint16_t* row, const float* feature, std::int64_t dim) {
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 32 <= dim; i += 32) {
    a = _mm256_fmadd_ps(load_halves(row + i), _mm256_loadu_ps(feature + i), a);
    b = _mm256_fmadd_ps(load_halves(row + i + 8), _mm256_loadu_ps(feature + i + 8), b);
    c = _mm256_fmadd_ps(load_halves(row + i + 16), _mm256_loadu_ps(feature + i + 16), c);
    d = _mm256_fmadd_ps(load_halves(row + i + 24), _mm256_loadu_ps(feature + i + 24), d);
  }
  for (; i + 8 <= dim; i += 8) a = _mm256_fmadd_ps(load_halves(row + i), _mm256_loadu_ps(feature + i), a);
  float sum = sum_of(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)));
  for (; i < dim; ++i) sum += _cvtsh_ss(row[i]) * feature[i];
  return sum;
}

/// Four features at a time: the row is converted once for them.
INTERROGATOR_TARGET void four_avx2(const std::uint16_t* row, const float* features, std::int64_t dim, float* results) {
  const float *const f0 = features, *const f1 = f0 + dim, *const f2 = f1 + dim, *const f3 = f2 + dim;
  __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 8 <= dim; i += 8) {
    const __m256 halves = load_halves(row + i);
    a = _mm256_fmadd_ps(halves, _mm256_loadu_ps(f0 + i), a);
    b = _mm256_fmadd_ps(halves, _mm256_loadu_ps(f1 + i), b);
    c = _mm256_fmadd_ps(halves, _mm256_loadu_ps(f2 + i), c);
    d = _mm256_fmadd_ps(halves, _mm256_loadu_ps(f3 + i), d);
  }
  results[0] = sum_of(a), results[1] = sum_of(b), results[2] = sum_of(c), results[3] = sum_of(d);
  for (; i < dim; ++i) {
    const float half = _cvtsh_ss(row[i]);
    results[0] += half * f0[i], results[1] += half * f1[i], results[2] += half * f2[i], results[3] += half * f3[i];
  }
}

void avx2(const std::uint16_t* row, const float* features, std::int64_t dim, std::int64_t batch, float* results) {
  std::int64_t b = 0;
  for (; b + 4 <= batch; b += 4) four_avx2(row, features + b * dim, dim, results + b);
  for (; b < batch; ++b) results[b] = one_avx2(row, features + b * dim, dim);
}

bool has_avx2() noexcept {
  static const bool present = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  return present;
}

#endif

}  // namespace

HalfDotKernel best_half_dot_kernel() noexcept {
#ifdef INTERROGATOR_AVX2
  if (has_avx2()) return HalfDotKernel::kAvx2;
#endif
  return HalfDotKernel::kPlain;
}

HalfDot half_dot(HalfDotKernel kernel) {
  if (kernel == HalfDotKernel::kPlain) return plain;
#ifdef INTERROGATOR_AVX2
  if (has_avx2()) return avx2;
#endif
  throw Error(ErrorCode::kInvalidArgument, "this processor lacks AVX2, FMA or F16C");
}

}  // namespace interrogator::ops
