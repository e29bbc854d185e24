// A file of weights that has what a graph reads.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "weights/files/stored_tensor.h"
#include "weights/weights.h"

namespace interrogator {

class FileWeights final : public Weights {
 public:
  /// Opens the file and compares names, shapes and types; no numbers are read. Throws kWeightsInvalid where it cannot be read or does not
  /// fit, naming the tensors that are missing, left over, or of another shape or type; kIo. `cancel`, or null, stops read().
  FileWeights(const Graph& graph, const std::filesystem::path& path, CancelTokenPtr cancel = nullptr);

  WeightsSummary summary() const;
  at::ScalarType stored_type() const override;
  /// Throws kWeightsInvalid where the file was cut meanwhile.
  at::Tensor read(const ParameterSource& source, at::ScalarType type) const override;
  std::optional<double> number(const std::string& name) const override;

 private:
  at::Tensor read(const std::string& name, const StoredTensor& tensor, std::int64_t begin, std::int64_t end, at::ScalarType type) const;

  const std::filesystem::path path_;
  const CancelTokenPtr cancel_;
  std::map<std::string, StoredTensor> tensors_;  // by the graph's names
  std::map<std::string, StoredTensor> numbers_;  // single ones that no module reads, by the file's names
};

}  // namespace interrogator
