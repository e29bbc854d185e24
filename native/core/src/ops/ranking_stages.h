// What clip-interrogator's ranking keeps of how many labels: the plan that ranking on the CPU and on CUDA carries out.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "interrogator/ranking.h"

namespace interrogator::ops {

/// The best `keep` of each segment of rows, then the best k of those. All rows may be one segment.
struct RankingStages {
  std::int64_t rows = 0;  ///< of all labels
  std::int64_t segment_rows = 1, keep = 0;
  std::int64_t k = 0;          ///< as delivered
  bool reverse = false;        ///< of the first stage
  bool final_reverse = false;  ///< of the second; the same where there is one segment
};

/// See TopKOptions. At least one row of each chunk is kept (the reference fails where chunk_size / chunks is below 1).
/// Throws kInvalidArgument for more rows than an int32 counts.
RankingStages ranking_stages(const TopKOptions& options, const std::vector<at::Tensor>& matrices);

}  // namespace interrogator::ops
