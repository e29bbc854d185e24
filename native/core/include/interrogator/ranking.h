// What a ranking of labels is asked, and what it answers.
#pragma once

#include <cstdint>
#include <vector>

namespace interrogator {

struct TopKOptions {
  std::int64_t k = 1;    ///< capped at the number of labels
  bool reverse = false;  ///< least similar first
  /// 0: true top-k over all. Else clip-interrogator's quota ranking with this chunk size: at most
  /// chunk_size labels are ranked plainly; more are cut in chunks of chunk_size, int(chunk_size /
  /// chunks) kept of each, then the top k of those.
  std::int64_t chunk_size = 0;
  /// With reverse and quota: the reference does not reverse its second stage; true mends that.
  bool corrected = false;
};
struct TopK {
  std::int64_t rows = 0, k = 0;       ///< k as delivered
  std::vector<std::int32_t> indices;  ///< rows × k, into the (concatenated) labels
  std::vector<float> similarities;    ///< rows × k, true cosine similarities
};

}  // namespace interrogator
