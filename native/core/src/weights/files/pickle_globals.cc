#include "weights/files/pickle_globals.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weights/files/fault.h"

namespace interrogator {

namespace {

using Call = PickleGlobal::Call;

constexpr std::array<std::pair<std::string_view, Call>, 18> kCalls = {{
    {"collections.OrderedDict", Call::kDict},
    {"torch._utils._rebuild_tensor_v2", Call::kTensor},
    {"torch._utils._rebuild_parameter", Call::kFirst},
    {"torch._utils._rebuild_parameter_with_state", Call::kFirst},
    {"torch.Size", Call::kFirst},
    {"torch.device", Call::kIgnored},
    {"_codecs.encode", Call::kIgnored},  // bytes, as protocol 2 writes them
    {"__builtin__.set", Call::kIgnored},
    {"builtins.set", Call::kIgnored},
    {"__builtin__.bytearray", Call::kIgnored},
    {"builtins.bytearray", Call::kIgnored},
    {"__builtin__.complex", Call::kIgnored},
    {"builtins.complex", Call::kIgnored},
    {"torch.jit._pickle.restore_type_tag", Call::kFirst},
    {"torch.jit._pickle.build_intlist", Call::kFirst},
    {"torch.jit._pickle.build_tensorlist", Call::kFirst},
    {"torch.jit._pickle.build_doublelist", Call::kFirst},
    {"torch.jit._pickle.build_boollist", Call::kFirst},
}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kStorages = {{
    {"FloatStorage", "F32"},
    {"HalfStorage", "F16"},
    {"BFloat16Storage", "BF16"},
    {"DoubleStorage", "F64"},
    {"LongStorage", "I64"},
    {"IntStorage", "I32"},
    {"ShortStorage", "I16"},
    {"CharStorage", "I8"},
    {"ByteStorage", "U8"},
    {"BoolStorage", "BOOL"},
}};

constexpr std::array<std::string_view, 18> kElementTypes = {"float32", "float", "float16", "half",  "bfloat16",  "float64",
                                                            "double",  "int64", "long",    "int32", "int",       "int16",
                                                            "short",   "int8",  "uint8",   "bool",  "complex64", "complex128"};

constexpr std::string_view kHint =
    "; save the state dict alone: torch.save(model.state_dict(), FILE), or take the safetensors file of the same repository";

}  // namespace

PickleGlobal PickleGlobal::of(std::string_view module, std::string_view name, bool script) {
  constexpr std::size_t kLongest = 1000;
  // A pickle may name the same long text over and over, so that no more of it than this is looked at.
  const std::string full = std::string(module.substr(0, kLongest)) + '.' + std::string(name.substr(0, kLongest));
  const auto* const call = std::find_if(kCalls.begin(), kCalls.end(), [&](const auto& known) { return known.first == full; });
  if (call != kCalls.end()) return {call->second, nullptr};
  if (module == "torch") {
    const auto* const storage = std::find_if(kStorages.begin(), kStorages.end(), [&](const auto& known) { return known.first == name; });
    if (storage != kStorages.end()) return {Call::kNone, ElementType::of(storage->second)};
    if (std::find(kElementTypes.begin(), kElementTypes.end(), name) != kElementTypes.end()) return {};
  }
  if (script && full.starts_with("__torch__.") && full.size() <= kLongest) return {Call::kScriptClass, nullptr};
  refuse("it holds more than tensors: its pickle asks for " + in_quotes(full) + ", which was not run" + std::string(kHint));
}

}  // namespace interrogator
