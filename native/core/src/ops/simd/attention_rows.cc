// Built once an instruction set (native/core/CMakeLists.txt). Nothing inline from a header may be used here: the linker
// keeps one copy of such a function, and it could be the one for a newer processor.
#include "ops/simd/attention_rows.h"

#include "ops/simd/attention_parts.h"

namespace interrogator::ops::simd {

namespace {

/// results[r][c] = Σ_i left[r][i] · right[i][c] for Rows rows and count columns, a multiple of kLanes. Sums run over i in
/// rising order whatever Rows is.
template <int Rows>
void multiply(const float* const* left, const float* right, std::int64_t right_stride, std::int64_t depth, std::int64_t count,
              float* const* results) {
  std::int64_t column = 0;
  for (; column + 2 * kLanes <= count; column += 2 * kLanes) {
    Vector low[Rows], high[Rows];
    for (int r = 0; r < Rows; ++r) low[r] = high[r] = broadcast(0);
    for (std::int64_t i = 0; i < depth; ++i) {
      const Vector a = load(right + i * right_stride + column), b = load(right + i * right_stride + column + kLanes);
      for (int r = 0; r < Rows; ++r) {
        const Vector factor = broadcast(left[r][i]);
        low[r] += factor * a;
        high[r] += factor * b;
      }
    }
    for (int r = 0; r < Rows; ++r) store(results[r] + column, low[r]), store(results[r] + column + kLanes, high[r]);
  }
  for (; column < count; column += kLanes) {
    Vector sums[Rows];
    for (int r = 0; r < Rows; ++r) sums[r] = broadcast(0);
    for (std::int64_t i = 0; i < depth; ++i) {
      const Vector a = load(right + i * right_stride + column);
      for (int r = 0; r < Rows; ++r) sums[r] += broadcast(left[r][i]) * a;
    }
    for (int r = 0; r < Rows; ++r) store(results[r] + column, sums[r]);
  }
}

void add_scaled(const float* values, float factor, std::int64_t size, float* sums) {
  const Vector factors = broadcast(factor);
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) store(sums + i, load(sums + i) + factors * load(values + i));
  for (; i < size; ++i) sums[i] += factor * values[i];
}

void scale_by(float factor, std::int64_t size, float* values) {
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) store(values + i, load(values + i) * broadcast(factor));
  for (; i < size; ++i) values[i] *= factor;
}

/// scores[0 … padded) become exp(score - largest), those from count on 0. Returns the sum.
float exponentials(float* scores, std::int64_t count, std::int64_t padded, float largest) {
  for (std::int64_t i = count; i < padded; ++i) scores[i] = kSmallest;
  Vector sums = broadcast(0);
  for (std::int64_t i = 0; i < padded; i += kLanes) {
    const Vector weights = exponential(load(scores + i) - broadcast(largest));
    store(scores + i, weights);
    sums += weights;
  }
  for (std::int64_t i = count; i < padded; ++i) scores[i] = 0;
  return sum_of(sums);
}

/// One row: `prefix` holds the products with the prefix's keys and becomes weights, not yet normalised; `path` the same
/// for the ancestors. Returns the sum of all weights.
float weigh(const AttentionRows& rows, const float* query, const std::int64_t* ancestors, std::int64_t length, float* prefix, float* path) {
  float largest = kSmallest;
  for (std::int64_t i = 0; i < rows.prefix; ++i) {
    prefix[i] *= rows.scale;
    largest = prefix[i] > largest ? prefix[i] : largest;
  }
  for (std::int64_t i = 0; i < length; ++i) {
    path[i] = dot(query, rows.keys + ancestors[i] * rows.key_stride, rows.head_dim) * rows.scale;
    largest = path[i] > largest ? path[i] : largest;
  }
  return exponentials(prefix, rows.prefix, round_up(rows.prefix), largest) + exponentials(path, length, round_up(length), largest);
}

template <int Rows>
void attend(const AttentionRows& rows, std::int64_t first) {
  const float* queries[Rows];
  float *prefix[Rows], *path[Rows], *results[Rows];
  for (int r = 0; r < Rows; ++r) {
    queries[r] = rows.queries + (first + r) * rows.query_stride;
    prefix[r] = rows.scratch + r * rows.padded_prefix;
    path[r] = rows.scratch + kTileRows * rows.padded_prefix + r * rows.padded_width;
    results[r] = rows.results + (first + r) * rows.result_stride;
  }
  multiply<Rows>(queries, rows.prefix_keys, rows.padded_prefix, rows.head_dim, rows.padded_prefix, prefix);

  const std::int64_t whole = rows.head_dim / kLanes * kLanes;
  float sums[Rows];
  std::int64_t lengths[Rows];
  for (int r = 0; r < Rows; ++r) {
    const std::int64_t* const ancestors = rows.ancestors + (first + r) * rows.width;
    lengths[r] = 0;
    while (lengths[r] < rows.width && ancestors[lengths[r]] >= 0) ++lengths[r];
    sums[r] = weigh(rows, queries[r], ancestors, lengths[r], prefix[r], path[r]);
  }
  multiply<Rows>(prefix, rows.prefix_values, rows.head_dim, rows.prefix, whole, results);
  for (int r = 0; r < Rows; ++r) {
    for (std::int64_t c = whole; c < rows.head_dim; ++c) {
      float sum = 0;
      for (std::int64_t i = 0; i < rows.prefix; ++i) sum += prefix[r][i] * rows.prefix_values[i * rows.head_dim + c];
      results[r][c] = sum;
    }
    const std::int64_t* const ancestors = rows.ancestors + (first + r) * rows.width;
    for (std::int64_t i = 0; i < lengths[r]; ++i) {
      add_scaled(rows.values + ancestors[i] * rows.value_stride, path[r][i], rows.head_dim, results[r]);
    }
    // A row without any key has no weights: zeros.
    scale_by(sums[r] == 0 ? 0.0F : 1.0F / sums[r], rows.head_dim, results[r]);
  }
}

}  // namespace

void INTERROGATOR_SIMD_NAME(attend_rows)(const AttentionRows& rows) {
  std::int64_t row = rows.first;
  for (; row + kTileRows <= rows.last; row += kTileRows) attend<kTileRows>(rows, row);
  for (; row < rows.last; ++row) attend<1>(rows, row);
}

}  // namespace interrogator::ops::simd
