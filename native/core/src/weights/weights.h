// A file of weights that has what a graph reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "weights/files/stored_tensor.h"
#include "weights/graph.h"

namespace interrogator {

class Weights {
 public:
  /// Opens the file and compares names, shapes and types; no numbers are read. Throws kWeightsInvalid where it cannot be read or does not
  /// fit, naming the tensors that are missing, left over, or of another shape or type; kIo. `cancel`, or null, stops read().
  Weights(const Graph& graph, const std::filesystem::path& path, CancelTokenPtr cancel = nullptr);

  WeightsSummary summary() const;
  /// The type that most of the read parameters have in the file.
  at::ScalarType stored_type() const;

  /// A module's tensor, new in memory, on the CPU, of rows one after another. Throws kWeightsInvalid where the file was cut
  /// meanwhile; kAborted.
  at::Tensor read(const ParameterSource& source, at::ScalarType type) const;

 private:
  const std::filesystem::path path_;
  const CancelTokenPtr cancel_;
  std::map<std::string, StoredTensor> tensors_;  // by the graph's names
};

}  // namespace interrogator
