// Whether embeddings are what a model gave: rows of length 1.
#pragma once

#include <cstdint>
#include <optional>

#include "ops/cosine_top_k.h"
#include "ops/simd/sets.h"

namespace interrogator::ops {

/// How far from 1 a row's length may be. A tower that normalises in bfloat16 rounds the length and each quotient to 8 bits, which
/// moves the length by at most 2^-8; in float16, as the reference does on a GPU, and for the float16 of the file it is less.
/// Twice that, so that no sound row is refused.
inline constexpr float kUnitTolerance = 1.0F / 128;

struct OddRow {
  std::int64_t row = 0;
  float length = 0;  ///< not finite where a number of the row is not
};

/// The first of rows × dim float16 numbers that is not of length 1.
std::optional<OddRow> first_odd_row(const HalfRows& rows, std::int64_t dim, SimdSet set = best_simd_set());

}  // namespace interrogator::ops
