// The weights that a publisher made, in whichever format.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "weights/files/stored_tensor.h"

namespace interrogator {

/// The tensors of a file by name, or of all the shards that an index names. A `module.` that all names begin with, as training on several
/// devices leaves it, is dropped. Nothing is read but headers. Throws kWeightsInvalid, with the file, what is wrong with it and what to
/// do; kIo where it cannot be read.
std::map<std::string, StoredTensor> open_checkpoint(const std::filesystem::path& path);

}  // namespace interrogator
