// Softmax attention of rows to a shared prefix and to rows of their own choice: one head, one thread, float32.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned; row r of a matrix starts at data + r * stride.
struct AttentionRows {
  const float* queries = nullptr;  ///< rows of head_dim numbers
  std::int64_t query_stride = 0;
  const float *keys = nullptr, *values = nullptr;  ///< of the nodes
  std::int64_t key_stride = 0, value_stride = 0;
  const float* prefix_keys = nullptr;    ///< [head_dim, padded_prefix]: transposed, columns from prefix on are 0
  const float* prefix_values = nullptr;  ///< [prefix, head_dim]
  std::int64_t prefix = 0, padded_prefix = 0;
  const std::int64_t* ancestors = nullptr;  ///< [rows, width]: nodes, then -1
  std::int64_t width = 0;
  std::int64_t first = 0, last = 0;  ///< the rows to compute
  std::int64_t head_dim = 0;
  float scale = 1;
  float* results = nullptr;
  std::int64_t result_stride = 0;
  float* scratch = nullptr;       ///< kTileRows * (padded_prefix + padded_width) numbers
  std::int64_t padded_width = 0;  ///< width rounded up as padded_prefix is
};

constexpr std::int64_t kPadding = 16;  ///< padded sizes are multiples of it
constexpr std::int64_t kTileRows = 4;  ///< rows that share each load of keys and values

/// results[r] = softmax(scale · q[r] · [prefix keys, keys of r's ancestors]) · [prefix values, values of r's ancestors].
/// A row's result does not depend on the rows computed with it. The same source is built for each instruction set.
using AttendRows = void(const AttentionRows&);
AttendRows attend_rows_baseline, attend_rows_avx2, attend_rows_avx512;

}  // namespace interrogator::ops::simd
