// What cosine top-k is put together from: similarities of all rows, then the best of segments of them, in stages.
#pragma once

#include <cstdint>

#include "interrogator_cuda.h"

namespace interrogator::cuda {

/// Whether `write_similarities` takes features of this size.
bool takes_dimension(std::int64_t dim);

/// similarities[b * stride + i] = labels[i] . features[b] for every row i of `labels`, accumulated in float32. Each row
/// is summed in the same order, so that equal labels tie.
int write_similarities(const interrogator_cuda_label_rows& labels, const float* features, std::int64_t batch, std::int64_t dim,
                       float* similarities, std::int64_t stride, void* stream);

/// One stage of ranking: the best `keep` of each `segment` neighbouring candidates, best first.
struct Stage {
  const float* similarities = nullptr;  ///< [batch, rows]
  std::int64_t batch = 0, rows = 0;
  const std::int32_t* candidates = nullptr;  ///< [batch, count] row numbers; null: all rows, count is rows
  std::int64_t count = 0;
  std::int64_t segment = 0, keep = 0;  ///< 1 <= keep <= segment <= count, kTile
  bool reverse = false;
  std::int32_t* kept = nullptr;  ///< [batch, kept_count]
};

/// Candidates that a block sorts in shared memory.
inline constexpr std::int64_t kTile = 4096;

/// How many candidates a stage keeps of `count`.
inline std::int64_t kept_count(std::int64_t count, std::int64_t segment, std::int64_t keep) {
  const std::int64_t rest = count % segment;
  return count / segment * keep + (rest < keep ? rest : keep);
}

int keep_best(const Stage& stage, void* stream);

/// values[b, i] = similarities[b, indices[b, i]].
int gather_similarities(const float* similarities, std::int64_t batch, std::int64_t rows, const std::int32_t* indices, std::int64_t k,
                        float* values, void* stream);

}  // namespace interrogator::cuda
