// What clip-interrogator's ranking keeps of how many labels: the plan that ranking on the CPU and on CUDA carries out.
#pragma once

#include <cstdint>

#include "interrogator/ranking.h"

namespace interrogator::ops {

/// The best `keep` of each segment of rows, then the best k of those. Where segment_rows is 0, the best k of all at once.
struct RankingStages {
  std::int64_t segment_rows = 0, keep = 0;
  std::int64_t k = 0;          ///< as delivered
  bool reverse = false;        ///< of the first stage, or the only one
  bool final_reverse = false;  ///< of the second
};

/// See TopKOptions. At least one row of each chunk is kept (the reference fails where chunk_size / chunks is below 1).
/// Throws kInvalidArgument for k < 1, a negative chunk size, more rows than an int32 counts.
RankingStages ranking_stages(const TopKOptions& options, std::int64_t rows);

}  // namespace interrogator::ops
