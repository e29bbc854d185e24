// The tensors that a graph's module lacks, filled from a file of weights one at a time.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <torch/csrc/jit/api/module.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "weights/graph.h"
#include "weights/weights.h"

namespace interrogator {

class EmptyParameters {
 public:
  /// Puts a tensor of the right shape into each place of the module that the graph names. All places of a tied weight get the same tensor.
  /// Matrices on the CPU have no memory until they are filled; all other tensors are filled at once. Throws std::runtime_error where the
  /// module has no such place, or another one that is empty; kWeightsInvalid.
  EmptyParameters(const torch::jit::Module& module, const GraphPart& part, const Weights& weights, c10::Device device, at::ScalarType type);

  /// Fills this tensor, unless it has been filled already or is none that the graph fills.
  void fill(const at::Tensor& parameter);
  void fill_rest();

 private:
  const Weights& weights_;
  const c10::Device device_;
  const at::ScalarType type_;
  std::vector<std::pair<at::Tensor, const ParameterSource*>> waiting_;  // in the order of the file, as near as the graph has it
  std::unordered_map<const at::TensorImpl*, const ParameterSource*> source_of_;
};

}  // namespace interrogator
