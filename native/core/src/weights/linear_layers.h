// Linear layers of a TorchScript module, computed by our own operator.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <functional>
#include <optional>

#include "interrogator/device.h"

namespace interrogator {

/// Every aten::linear of the module's methods becomes interrogator::linear, and where packing pays (ops/packed_weights.h) its
/// weight is packed in place, unless something else than linear layers and embeddings reads it too; aten::embedding becomes
/// interrogator::embedding, which reads packed weights. For a module on the CPU, before its first call. `fill` is called with each weight
/// right before it is packed: one that has its shape alone until then never lies in memory beside all the others. With bfloat16 `products`
/// what is packed is rounded, too (ops::round_weight), but what an embedding reads. Throws
/// Error(kDevice) where the processor has none.
void take_over_linear_layers(const torch::jit::Module& module, const std::function<void(const at::Tensor&)>& fill = {},
                             Products products = Products::kFloat32);

/// A module to call `method` of, of the same tensors, but that packed weights are quantized to int8 (ops::quantize_weight) where only
/// linear layers of that method read them. A tied head stays as it is, because its copy would be the largest. Nothing is returned where
/// no weight could be quantized. The module must have been taken over.
std::optional<torch::jit::Module> with_quantized_linear_layers(const torch::jit::Module& module, const char* method);

}  // namespace interrogator
