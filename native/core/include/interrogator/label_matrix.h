// Label embeddings, and their files in clip-interrogator's cache format.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "interrogator/features.h"
#include "interrogator/ranking.h"

namespace interrogator {

class LabelMatrix {
 public:
  /// Reads a safetensors file with `embeds` (float16, N × D, rows of length 1) and `hash` (int8, 64: the SHA-256 hex
  /// of the labels joined by ","). What happens to the file afterwards does not matter. Throws kIo; kLabelsDamaged, which names
  /// the first row that is not of length 1; kLabelsMismatch where `hash` is not expected_hash (when given) or D not
  /// expected_dim (when > 0).
  static std::shared_ptr<LabelMatrix> open(const std::filesystem::path& path, const std::string& expected_hash = "",
                                           std::int64_t expected_dim = 0);
  /// Computed embeddings, rounded to float16.
  static std::shared_ptr<LabelMatrix> from_features(const Features& features, const std::string& hash);
  /// A table that was computed in parts, in another order than its labels': of all rows of the parts, as if stacked, the i-th
  /// becomes row order[i]. Throws kInvalidArgument where there are no parts, their widths differ, or `order` does not name each
  /// row once.
  static std::shared_ptr<LabelMatrix> join(const std::vector<std::shared_ptr<LabelMatrix>>& parts, const std::vector<std::int32_t>& order,
                                           const std::string& hash);
  ~LabelMatrix();

  /// Writes a file for open() to a temporary name beside path, then renames. Any thread. Throws kIo.
  void write(const std::filesystem::path& path) const;

  std::int64_t rows() const noexcept;
  std::int64_t dim() const noexcept;
  const std::string& hash() const noexcept;

  /// Ranks the rows of several matrices as if stacked in this order (merged tables, no copy).
  /// features: B × dim. Any thread that may compute; the device's thread here.
  static TopK top_k(const std::vector<std::shared_ptr<LabelMatrix>>& matrices, const Features& features, const TopKOptions& options);
  /// The same as a job for the features' device: rankings of the same matrices with the same options that
  /// wait together share one pass over the labels. `take` has the result, on the device's thread, before the job ends.
  static JobPtr top_k_job(std::vector<std::shared_ptr<LabelMatrix>> matrices, Features features, const TopKOptions& options,
                          std::function<void(TopK)> take);

 private:
  struct RankRequest;
  class RankPass;
  struct State;
  explicit LabelMatrix(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
