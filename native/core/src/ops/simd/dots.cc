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

/// Rows × Features dot products at once, so that a load serves several and additions need not wait for each other. Each
/// is two sums, of even and odd vectors, whatever Rows and Features are.
template <int Rows, int Features, class Row>
void tile(const Row* rows, const float* features, std::int64_t dim, float* results, std::int64_t result_stride) {
  Vector even[Rows][Features], odd[Rows][Features];
  for (int r = 0; r < Rows; ++r) {
    for (int f = 0; f < Features; ++f) even[r][f] = odd[r][f] = broadcast(0);
  }
  std::int64_t i = 0;
  for (; i + 2 * kLanes <= dim; i += 2 * kLanes) {
    for (int r = 0; r < Rows; ++r) {
      const Row* const row = rows + r * dim + i;
      prefetch(reinterpret_cast<const char*>(row) + kAhead);
      const Vector first = load_numbers(row), second = load_numbers(row + kLanes);
      for (int f = 0; f < Features; ++f) {
        even[r][f] += first * load(features + f * dim + i);
        odd[r][f] += second * load(features + f * dim + i + kLanes);
      }
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int f = 0; f < Features; ++f) {
      float sum = sum_of(even[r][f] + odd[r][f]);
      for (std::int64_t rest = i; rest < dim; ++rest) sum += number(rows[r * dim + rest]) * features[f * dim + rest];
      results[f * result_stride + r] = sum;
    }
  }
}

template <int Features, class Row>
void all_rows(const Dots<Row>& dots, std::int64_t feature) {
  const float* const features = dots.features + feature * dots.dim;
  float* const results = dots.results + feature * dots.result_stride;
  std::int64_t row = 0;
  for (; Features == 1 && row + 4 <= dots.count; row += 4) {
    tile<4, 1>(dots.rows + row * dots.dim, features, dots.dim, results + row, dots.result_stride);
  }
  for (; row < dots.count; ++row) {
    tile<1, Features>(dots.rows + row * dots.dim, features, dots.dim, results + row, dots.result_stride);
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

}  // namespace interrogator::ops::simd
