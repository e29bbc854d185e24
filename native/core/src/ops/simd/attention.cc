// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/attention.h"

#include "ops/simd/attention_parts.h"

namespace interrogator::ops::simd {

namespace {

// Queries that share each load of keys and values: see packed_product.cc.
#if defined(__AVX512F__)
constexpr int kRows = 12;
#elif defined(__AVX2__)
constexpr int kRows = 6;
#else
constexpr int kRows = 2;
#endif
constexpr std::int64_t kColumns = 2 * kLanes;  // sizes are padded to it

inline std::int64_t padded(std::int64_t size) { return (size + kColumns - 1) / kColumns * kColumns; }

/// Row r of a matrix starts at data + r * stride.
struct Product {
  const float* left;
  std::int64_t left_stride;
  const float* right;
  std::int64_t right_stride;
  std::int64_t depth, columns;  // a multiple of kColumns
  float* results;
  std::int64_t result_stride;
};

/// results = left · right for Rows rows. Sums run along depth in rising order whatever Rows is.
template <int Rows>
void multiply(const Product& product) {
  constexpr int kBases = (Rows + 2) / 3;
  for (std::int64_t column = 0; column < product.columns; column += kColumns) {
    Vector sums[Rows][2];
    const float* left[kBases];  // of every third row: the two after it are within an instruction's reach
    for (int r = 0; r < Rows; ++r) sums[r][0] = sums[r][1] = broadcast(0);
    for (int base = 0; base < kBases; ++base) left[base] = product.left + 3 * base * product.left_stride;
    const float* right = product.right + column;
    INTERROGATOR_NOT_UNROLLED
    for (std::int64_t i = 0; i < product.depth; ++i) {
      const Vector low = load(right), high = load(right + kLanes);
      right += product.right_stride;
      for (int r = 0; r < Rows; ++r) {
        const Vector factor = broadcast(left[r / 3][r % 3 * product.left_stride]);
        sums[r][0] += factor * low;
        sums[r][1] += factor * high;
      }
      for (int base = 0; base < kBases; ++base) ++left[base];
    }
    for (int r = 0; r < Rows; ++r) {
      store(product.results + r * product.result_stride + column, sums[r][0]);
      store(product.results + r * product.result_stride + column + kLanes, sums[r][1]);
    }
  }
}

using Multiply = void (*)(const Product&);

/// By rows - 1.
constexpr Multiply kMultiply[] = {
    &multiply<1>, &multiply<2>,
#if defined(__AVX512F__) || defined(__AVX2__)
    &multiply<3>, &multiply<4>, &multiply<5>, &multiply<6>,
#endif
#if defined(__AVX512F__)
    &multiply<7>, &multiply<8>, &multiply<9>, &multiply<10>, &multiply<11>, &multiply<12>,
#endif
};
static_assert(sizeof kMultiply / sizeof kMultiply[0] == kRows);

/// Products of query q with the keys become weights, not yet divided by their sum, which is returned. What is not seen weighs nothing, so
/// that it adds nothing to any sum.
float weigh(const Attention& head, std::int64_t q, float* scores) {
  const std::int64_t tokens = head.tokens, whole = round_up(tokens);
  for (std::int64_t i = 0; i < tokens; ++i) scores[i] *= head.scale;
  if (head.bias) {
    const float* const bias = head.bias + q * head.bias_stride;
    for (std::int64_t i = 0; i < tokens; ++i) scores[i] += bias[i];
  }
  if (head.seen) {
    const bool* const seen = head.seen + q * head.seen_stride;
    for (std::int64_t i = 0; i < tokens; ++i) scores[i] = seen[i] ? scores[i] : kSmallest;
  }
  for (std::int64_t i = tokens; i < whole; ++i) scores[i] = kSmallest;
  Vector largest = broadcast(kSmallest);
  for (std::int64_t i = 0; i < whole; i += kLanes) largest = larger(largest, load(scores + i));
  float lanes[kLanes];
  store(lanes, largest);
  for (int i = 1; i < kLanes; ++i) lanes[0] = lanes[i] > lanes[0] ? lanes[i] : lanes[0];
  Vector sums = broadcast(0);
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    const Vector score = load(scores + i), none = broadcast(0);
    const Vector weights = score <= broadcast(kSmallest) ? none : exponential(score - broadcast(lanes[0]));
    store(scores + i, weights);
    sums += weights;
  }
  return sum_of(sums);
}

inline float inverse(float sum) { return sum == 0 ? 0.0F : 1.0F / sum; }

/// Scratch of attend_packed: keys [head_dim][padded tokens], values [tokens][padded value_dim], scores and results of kRows.
struct Packed {
  Packed(const Attention& head, float* scratch)
      : tokens(padded(head.tokens)),
        dim(padded(head.value_dim)),
        keys(scratch),
        values(keys + head.head_dim * tokens),
        scores(values + head.tokens * dim),
        results(scores + kRows * tokens) {}
  std::int64_t tokens, dim;
  float *keys, *values, *scores, *results;
};

}  // namespace

std::int64_t INTERROGATOR_SIMD_NAME(attention_scratch)(std::int64_t tokens, std::int64_t head_dim, std::int64_t value_dim) {
  return (head_dim + kRows) * padded(tokens) + (tokens + kRows) * padded(value_dim);
}

void INTERROGATOR_SIMD_NAME(pack_head)(const Attention& head, float* scratch) {
  const Packed packed(head, scratch);
  for (std::int64_t k = 0; k < head.head_dim; ++k) {
    float* const to = packed.keys + k * packed.tokens;
    for (std::int64_t i = head.tokens; i < packed.tokens; ++i) to[i] = 0;
  }
  // A few tokens at a time, of which each line is read while it is cached.
  for (std::int64_t first = 0; first < head.tokens; first += kLanes) {
    const std::int64_t count = head.tokens - first < kLanes ? head.tokens - first : kLanes;
    const float* const from = head.keys + first * head.key_stride;
    for (std::int64_t k = 0; k < head.head_dim; ++k) {
      float* const to = packed.keys + k * packed.tokens + first;
      for (std::int64_t i = 0; i < count; ++i) to[i] = from[i * head.key_stride + k];
    }
  }
  for (std::int64_t token = 0; token < head.tokens; ++token) {
    const float* const from = head.values + token * head.value_stride;
    float* const to = packed.values + token * packed.dim;
    for (std::int64_t i = 0; i < head.value_dim; ++i) to[i] = from[i];
    for (std::int64_t i = head.value_dim; i < packed.dim; ++i) to[i] = 0;
  }
}

void INTERROGATOR_SIMD_NAME(attend_packed)(const Attention& head, std::int64_t first, std::int64_t last, float* scratch) {
  const Packed packed(head, scratch);
  const std::int64_t all = last - first, tiles = (all + kRows - 1) / kRows;
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const std::int64_t begin = first + all * tile / tiles, rows = first + all * (tile + 1) / tiles - begin;
    kMultiply[rows - 1]({.left = head.queries + begin * head.query_stride,
                         .left_stride = head.query_stride,
                         .right = packed.keys,
                         .right_stride = packed.tokens,
                         .depth = head.head_dim,
                         .columns = packed.tokens,
                         .results = packed.scores,
                         .result_stride = packed.tokens});
    float sums[kRows];
    for (std::int64_t r = 0; r < rows; ++r) sums[r] = weigh(head, begin + r, packed.scores + r * packed.tokens);
    kMultiply[rows - 1]({.left = packed.scores,
                         .left_stride = packed.tokens,
                         .right = packed.values,
                         .right_stride = packed.dim,
                         .depth = head.tokens,
                         .columns = packed.dim,
                         .results = packed.results,
                         .result_stride = packed.dim});
    for (std::int64_t r = 0; r < rows; ++r) {
      const float factor = inverse(sums[r]);
      const float* const from = packed.results + r * packed.dim;
      float* const to = head.results + (begin + r) * head.result_stride;
      for (std::int64_t i = 0; i < head.value_dim; ++i) to[i] = from[i] * factor;
    }
  }
}

void INTERROGATOR_SIMD_NAME(attend_few)(const Attention& head, std::int64_t first, std::int64_t last, float* scratch) {
  const std::int64_t whole = head.value_dim / kLanes * kLanes;
  for (std::int64_t q = first; q < last; ++q) {
    const float* const query = head.queries + q * head.query_stride;
    for (std::int64_t i = 0; i < head.tokens; ++i) scratch[i] = dot(query, head.keys + i * head.key_stride, head.head_dim);
    const float factor = inverse(weigh(head, q, scratch));
    float* const to = head.results + q * head.result_stride;
    std::int64_t column = 0;
    for (; column + 4 * kLanes <= whole; column += 4 * kLanes) {
      Vector sums[4] = {};
      for (std::int64_t i = 0; i < head.tokens; ++i) {
        const Vector weight = broadcast(scratch[i]);
        const float* const values = head.values + i * head.value_stride + column;
        for (int part = 0; part < 4; ++part) sums[part] += weight * load(values + part * kLanes);
      }
      for (int part = 0; part < 4; ++part) store(to + column + part * kLanes, sums[part] * broadcast(factor));
    }
    for (; column < whole; column += kLanes) {
      Vector sum = broadcast(0);
      for (std::int64_t i = 0; i < head.tokens; ++i) sum += broadcast(scratch[i]) * load(head.values + i * head.value_stride + column);
      store(to + column, sum * broadcast(factor));
    }
    if (column == head.value_dim) continue;
    // In vectors too: a compiler may round a plain loop's last sums in another way than those before them.
    Vector sum = broadcast(0);
    float part[kLanes] = {};
    for (std::int64_t i = 0; i < head.tokens; ++i) {
      for (std::int64_t c = column; c < head.value_dim; ++c) part[c - column] = head.values[i * head.value_stride + c];
      sum += broadcast(scratch[i]) * load(part);
    }
    store(part, sum * broadcast(factor));
    for (std::int64_t c = column; c < head.value_dim; ++c) to[c] = part[c - column];
  }
}

}  // namespace interrogator::ops::simd
