// Linear layers of a TorchScript module, computed by our own operator.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace interrogator {

/// Every aten::linear of the module's methods becomes interrogator::linear, and where packing pays (ops/linear.h) its weight is packed
/// in place, unless something else than linear layers reads it too. For a module on the CPU, before its first call.
void take_over_linear_layers(const torch::jit::Module& module);

}  // namespace interrogator
