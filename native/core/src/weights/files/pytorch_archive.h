// The zip archives that PyTorch writes since 1.6: state dicts of torch.save, and models of torch.jit.save.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "weights/files/stored_tensor.h"

namespace interrogator {

/// The tensors of an archive by name, none of them read. Dictionaries within others join their names with a point; of a training checkpoint
/// only what is under `state_dict` counts. A TorchScript model's tensors have their attributes' paths as names; its code is not
/// looked at. Checks that each tensor lies inside its storage, and each storage inside the file. Throws std::runtime_error, Error(kIo).
std::map<std::string, StoredTensor> read_pytorch_archive(const std::shared_ptr<const InputFile>& file);

}  // namespace interrogator
