// What a pickle of tensors may name, and what becomes of a call of it.
#pragma once

#include <string>
#include <string_view>

#include "weights/files/stored_tensor.h"

namespace interrogator {

struct PickleGlobal {
  enum class Call {
    kNone,         ///< cannot be called: a type of elements
    kDict,         ///< an empty dict, or one of a list of pairs
    kTensor,       ///< a tensor of a storage
    kFirst,        ///< its first argument
    kIgnored,      ///< something that nothing asks for
    kScriptClass,  ///< an object of a TorchScript class
  };
  Call call = Call::kNone;
  const ElementType* storage = nullptr;  ///< of a storage's type

  /// Throws std::runtime_error that names what is not known. `script`: TorchScript's classes are known.
  static PickleGlobal of(std::string_view module, std::string_view name, bool script);
};

}  // namespace interrogator
