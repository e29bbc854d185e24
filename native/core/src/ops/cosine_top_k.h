// The labels most similar to each feature: one pass over the label matrix.
#pragma once

#include <cstdint>
#include <vector>

#include "interrogator/cancel.h"
#include "interrogator/ranking.h"
#include "ops/simd/sets.h"

namespace interrogator::ops {

/// Row-major float16 rows, as in a label file. Not owned.
struct HalfRows {
  const std::uint16_t* data = nullptr;
  std::int64_t rows = 0;
};

/// The sum of the squares of each of rows × dim numbers, accumulated in float32.
std::vector<float> squared_lengths(const HalfRows& rows, std::int64_t dim, SimdSet set = best_simd_set());

/// What is ranked: matrices as if stacked in this order, against batch × dim float32 features.
struct RankInput {
  std::vector<HalfRows> matrices;
  std::int64_t dim = 0;
  const float* features = nullptr;
  std::int64_t batch = 0;
};

/// The k most (reverse: least) similar rows of each feature, best first; the lowest index first
/// among equals, a similarity that is not a number last. k is capped at the number of rows. Dot
/// products of the float16 values are accumulated in float32. A feature's answer does not depend on
/// the batch that it is in. Where options.chunk_size is not 0: clip-interrogator's chunked ranking, see ranking_stages.h.
TopK rank(const RankInput& input, const TopKOptions& options, const CancelToken* token = nullptr, SimdSet set = best_simd_set());

}  // namespace interrogator::ops
