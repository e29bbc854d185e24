// Operators of a TorchScript module whose result for one image does not depend on the others of its batch.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace interrogator {

/// Functions that the module's methods call become part of them, and libtorch's operators ours (ops/independent), where libtorch's give an
/// image other last bits with others beside it. For a module on the CPU, before its linear layers are taken over.
void take_over_operators(const torch::jit::Module& module);

/// Whether all that these methods call is known to give each image the same in any company, to the last bit. The module has been
/// taken over, its linear layers too.
bool is_independent(const torch::jit::Module& module, const std::vector<std::string>& methods);

/// Whether `forward` has layers of convolutions, and not only one that cuts an image into patches.
bool convolves(const torch::jit::Module& module);

}  // namespace interrogator
