// Label embeddings on disk in clip-interrogator's cache format, memory-mapped.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interrogator/cancel.h"
#include "interrogator/features.h"

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

class LabelMatrix {
 public:
  /// Maps a safetensors file with `embeds` (float16, N × D) and `hash` (int8, 64: the SHA-256 hex
  /// of the labels joined by ","). Throws kIo, kLabelsDamaged; kLabelsMismatch where `hash` is not
  /// expected_hash (when given) or D not expected_dim (when > 0).
  static std::shared_ptr<LabelMatrix> open(const std::filesystem::path& path, const std::string& expected_hash = "",
                                           std::int64_t expected_dim = 0);
  /// Rounds to float16 and writes to a temporary name beside path, then renames. Throws kIo.
  static void write(const std::filesystem::path& path, const Features& features, const std::string& hash);
  /// A table without a file (`cachePath: null`): rounded to float16 all the same.
  static std::shared_ptr<LabelMatrix> from_features(const Features& features, const std::string& hash);
  ~LabelMatrix();

  std::int64_t rows() const noexcept;
  std::int64_t dim() const noexcept;
  const std::string& hash() const noexcept;

  /// Ranks the rows of several matrices as if stacked in this order (merged tables, no copy).
  /// features: B × dim. Any thread that may compute; the device's thread here.
  static TopK top_k(const std::vector<std::shared_ptr<LabelMatrix>>& matrices, const Features& features, const TopKOptions& options,
                    const CancelToken* token = nullptr);
  /// The same as a job of the features' device: rankings of the same matrices with the same options that
  /// wait together share one pass over the labels. `take` has the result, on the device's thread, before
  /// `done` hears of success. Throws as Device::submit does.
  static void submit_top_k(std::vector<std::shared_ptr<LabelMatrix>> matrices, Features features, const TopKOptions& options,
                           std::function<void(TopK)> take, Device::Done done, CancelTokenPtr token = nullptr);

 private:
  class RankJob;
  class RankPass;
  struct State;
  explicit LabelMatrix(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
