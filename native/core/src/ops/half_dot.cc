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

/// `count` features against one row, which is converted once for them. The order of the sums does not
/// depend on the count: a similarity is the same to the bit in any company.
template <int count>
INTERROGATOR_TARGET inline void several_avx2(const std::uint16_t* row, const float* features, std::int64_t dim, float* results) {
  constexpr int kSums = 4;  // enough in flight to hide the latency of an addition
  __m256 sums[count][kSums];
  for (auto& of_feature : sums) {
    for (__m256& sum : of_feature) sum = _mm256_setzero_ps();
  }
  std::int64_t i = 0;
  for (; i + 8 * kSums <= dim; i += 8 * kSums) {
    for (int j = 0; j < kSums; ++j) {
      const __m256 halves = load_halves(row + i + 8 * j);
      for (int f = 0; f < count; ++f) sums[f][j] = _mm256_fmadd_ps(halves, _mm256_loadu_ps(features + f * dim + i + 8 * j), sums[f][j]);
    }
  }
  for (; i + 8 <= dim; i += 8) {
    const __m256 halves = load_halves(row + i);
    for (int f = 0; f < count; ++f) sums[f][0] = _mm256_fmadd_ps(halves, _mm256_loadu_ps(features + f * dim + i), sums[f][0]);
  }
  for (int f = 0; f < count; ++f) {
    results[f] = sum_of(_mm256_add_ps(_mm256_add_ps(sums[f][0], sums[f][1]), _mm256_add_ps(sums[f][2], sums[f][3])));
  }
  for (; i < dim; ++i) {
    const float half = _cvtsh_ss(row[i]);
    for (int f = 0; f < count; ++f) results[f] += half * features[f * dim + i];
  }
}

INTERROGATOR_TARGET void avx2(const std::uint16_t* row, const float* features, std::int64_t dim, std::int64_t batch, float* results) {
  std::int64_t b = 0;
  for (; b + 3 <= batch; b += 3) several_avx2<3>(row, features + b * dim, dim, results + b);
  if (batch - b == 2) several_avx2<2>(row, features + b * dim, dim, results + b);
  if (batch - b == 1) several_avx2<1>(row, features + b * dim, dim, results + b);
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
