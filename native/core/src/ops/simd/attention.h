// Softmax attention of queries to keys that all of them see: one head, one thread, float32.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned; row r of a matrix starts at data + r * stride.
struct Attention {
  const float* queries = nullptr;  ///< queries × head_dim
  std::int64_t query_stride = 0;
  const float* keys = nullptr;  ///< tokens × head_dim
  std::int64_t key_stride = 0;
  const float* values = nullptr;  ///< tokens × value_dim
  std::int64_t value_stride = 0;
  std::int64_t tokens = 0, head_dim = 0, value_dim = 0;
  const float* bias = nullptr;  ///< queries × tokens, added to the scores; null for none
  std::int64_t bias_stride = 0;
  const bool* seen = nullptr;  ///< queries × tokens: whether the query sees the token; null where it sees all
  std::int64_t seen_stride = 0;
  float scale = 1;
  float* results = nullptr;  ///< queries × value_dim
  std::int64_t result_stride = 0;
};

/// Numbers that attend_packed and what it reads need: of a head's keys and values, and of the rows at hand.
using AttentionScratch = std::int64_t(std::int64_t tokens, std::int64_t head_dim, std::int64_t value_dim);
AttentionScratch attention_scratch_baseline, attention_scratch_avx2, attention_scratch_avx512;

/// Lays a head's keys and values out for attend_packed, in `scratch`.
using PackHead = void(const Attention&, float* scratch);
PackHead pack_head_baseline, pack_head_avx2, pack_head_avx512;

/// results[q] for q from first to last: softmax(scale · queries[q] · keys + bias) · values, or zeros where it sees nothing. What a query
/// gets depends neither on the queries beside it nor on tokens behind that it does not see. The same source is built for each
/// instruction set.
using AttendPacked = void(const Attention&, std::int64_t first, std::int64_t last, float* scratch);
AttendPacked attend_packed_baseline, attend_packed_avx2, attend_packed_avx512;

/// The same from keys and values as they lie, which is faster for few queries; `scratch` as attention_scratch says. It adds the products
/// of a query and a key in another order than attend_packed.
AttendPacked attend_few_baseline, attend_few_avx2, attend_few_avx512;

}  // namespace interrogator::ops::simd
