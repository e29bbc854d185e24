#include "ops/ranking_stages.h"

#include <algorithm>
#include <limits>
#include <string>

#include "interrogator/error.h"

namespace interrogator::ops {

RankingStages ranking_stages(const TopKOptions& options, const std::vector<at::Tensor>& matrices) {
  std::int64_t rows = 0;
  for (const at::Tensor& matrix : matrices) rows += matrix.size(0);
  if (rows > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument, std::to_string(rows) + " labels are too many to rank at once");
  }
  if (options.chunk_size == 0 || rows <= options.chunk_size) {
    const std::int64_t k = std::min(options.k, rows);
    return {rows, std::max<std::int64_t>(rows, 1), k, k, options.reverse, options.reverse};
  }
  const std::int64_t chunks = (rows + options.chunk_size - 1) / options.chunk_size;
  const std::int64_t keep = std::max<std::int64_t>(options.chunk_size / chunks, 1);
  const std::int64_t kept = rows / options.chunk_size * keep + std::min(keep, rows % options.chunk_size);
  return {rows, options.chunk_size, keep, std::min(options.k, kept), options.reverse, options.reverse && options.corrected};
}

}  // namespace interrogator::ops
