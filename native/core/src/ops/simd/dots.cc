// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/dots.h"

#include "ops/simd/half_vector.h"

namespace interrogator::ops::simd {

namespace {

// Bytes. The processor's own prefetching stops at the end of a page.
constexpr std::int64_t kAhead = 8192;

inline Vector load_numbers(const float* from) { return load(from); }
inline Vector load_numbers(const std::uint16_t* from) { return load_halves(from); }
inline float number(float value) { return value; }
inline float number(std::uint16_t half) { return half_to_float(half); }

/// A row by `Features` features, so that a load serves several. Each product is two sums, of even and odd vectors, whatever
/// Features is. One row after the other: of several at once the memory is read in several places, which it does more slowly.
template <int Features, class Row>
void row_dots(const Row* row, const float* features, std::int64_t dim, float* results, std::int64_t result_stride) {
  Vector even[Features], odd[Features];
  for (int f = 0; f < Features; ++f) even[f] = odd[f] = broadcast(0);
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
    prefetch(reinterpret_cast<const char*>(row + i) + kAhead);
    const Vector first = load_numbers(row + i), second = load_numbers(row + i + kLanes);
    for (int f = 0; f < Features; ++f) {
      even[f] += first * load(features + f * dim + i);
      odd[f] += second * load(features + f * dim + i + kLanes);
    }
  }
  for (int f = 0; f < Features; ++f) {
    float sum = sum_of(even[f] + odd[f]);
    for (std::int64_t rest = i; rest < dim; ++rest) sum += number(row[rest]) * features[f * dim + rest];
    results[f * result_stride] = sum;
  }
}

template <int Features, class Row>
void all_rows(const Dots<Row>& dots, std::int64_t feature) {
  const float* const features = dots.features + feature * dots.dim;
  float* const results = dots.results + feature * dots.result_stride;
  for (std::int64_t row = 0; row < dots.count; ++row) {
    row_dots<Features>(dots.rows + row * dots.dim, features, dots.dim, results + row, dots.result_stride);
  }
}

template <class Row>
void all_features(const Dots<Row>& dots) {
  std::int64_t feature = 0;
  for (; feature + 4 <= dots.batch; feature += 4) all_rows<4>(dots, feature);
  for (; feature < dots.batch; ++feature) all_rows<1>(dots, feature);
}

}  // namespace

void INTERROGATOR_SIMD_NAME(half_dots)(const HalfDots& dots) { all_features(dots); }
void INTERROGATOR_SIMD_NAME(float_dots)(const FloatDots& dots) { all_features(dots); }

void INTERROGATOR_SIMD_NAME(half_squares)(const std::uint16_t* rows, std::int64_t count, std::int64_t dim, float* results) {
  for (const std::uint16_t* row = rows; row < rows + count * dim; row += dim) {
    Vector even = broadcast(0), odd = broadcast(0);
    std::int64_t i = 0;
    for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
      prefetch(reinterpret_cast<const char*>(row + i) + kAhead);
      const Vector first = load_halves(row + i), second = load_halves(row + i + kLanes);
      even += first * first;
      odd += second * second;
    }
    float sum = sum_of(even + odd);
    for (; i < dim; ++i) sum += half_to_float(row[i]) * half_to_float(row[i]);
    *results++ = sum;
  }
}

}  // namespace interrogator::ops::simd
