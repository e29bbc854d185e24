// Our operators as TorchScript knows them.
#pragma once

namespace interrogator::ops {

/// Makes interrogator::tree_attention, interrogator::linear and interrogator::embedding known to TorchScript. Call it before
/// loading a model: the call is what keeps a static library's registration in the program. Idempotent.
void register_operators();

}  // namespace interrogator::ops
