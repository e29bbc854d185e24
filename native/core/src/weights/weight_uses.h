// Who reads a TorchScript module's tensors: what tells whether a weight may be laid out anew.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace interrogator {

/// An attribute that holds a tensor.
struct WeightPlace {
  c10::intrusive_ptr<c10::ivalue::Object> owner;
  std::string name;
  bool only_linear = true;  ///< all that reads it here is linear layers
};

/// How the module's methods use a tensor. Tied weights are one tensor in several places.
struct WeightUse {
  at::Tensor tensor;
  std::vector<WeightPlace> places;
  bool by_linear = false;  ///< it is a linear layer's weight
  bool with_bias = true;   ///< each of these has one, with a number for each of the weight's outputs
  bool otherwise = false;  ///< something else than linear layers and embeddings reads it too
};

/// Linear layers and embeddings are libtorch's or ours. The list is empty where a method reads attributes of an object that is only
/// known when it runs, because that object may be any.
std::vector<WeightUse> weight_uses(const torch::jit::Module& module);

/// Of that method alone, with all that it calls.
std::vector<WeightUse> weight_uses(const torch::jit::Module& module, const char* method);

}  // namespace interrogator
