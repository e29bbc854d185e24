// A restricted reader of pickles: tensors and containers, and nothing that could run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/files/stored_tensor.h"

namespace interrogator {

/// A value of a pickle, small to copy: what is large lies in Pickle's lists, at `index`.
struct PickleValue {
  enum class Kind : std::uint8_t {
    kIgnored,  ///< numbers with a fraction, None, bytes, a type, a device: nothing that is asked for
    kBool,
    kInteger,  ///< `number`
    kText,     ///< Pickle::text
    kTuple,    ///< Pickle::sequences
    kList,     ///< Pickle::sequences
    kDict,     ///< Pickle::dicts
    kObject,   ///< a TorchScript class's, with attributes: Pickle::objects
    kStorage,  ///< Pickle::storages
    kTensor,   ///< Pickle::tensors
    kGlobal,   ///< something to call, which lives only inside of the reader
  };
  Kind kind = Kind::kIgnored;
  std::uint32_t index = 0;  ///< of a text its length
  std::int64_t number = 0;  ///< of a text its place in the pickle
};

struct PickledStorage {
  const ElementType* type = nullptr;
  PickleValue key;  ///< the text that names its file in the archive
  std::int64_t elements = 0;
};

struct PickledTensor {
  std::uint32_t storage = 0;
  std::int64_t offset = 0;  ///< elements
  std::vector<std::int64_t> shape, strides;
};

/// What a pickle holds. Values refer to one another in any way, in circles too.
struct Pickle {
  static constexpr std::uint32_t kNoDict = 0xFFFFFFFF;

  std::string bytes;
  PickleValue root;
  std::vector<std::vector<PickleValue>> sequences;
  std::vector<std::vector<std::pair<PickleValue, PickleValue>>> dicts;
  std::vector<std::uint32_t> objects;  ///< the dict of its attributes, or kNoDict
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;

  std::string_view text(const PickleValue& value) const {
    return std::string_view(bytes).substr(static_cast<std::size_t>(value.number), value.index);
  }
};

/// Reads the opcodes of protocols 2 to 5 that torch.save and TorchScript write. Known are dict, OrderedDict, list, tuple, set, texts,
/// bytes, numbers, tensors and their storages, torch.Size, types and devices; `script`: classes of TorchScript too, as plain attributes.
/// Whatever else a pickle names, os.system say, is refused by its name. Time and memory are bounded by the pickle's size: at most about a
/// hundred times its bytes, and 200 MB. Throws std::runtime_error.
Pickle read_pickle(std::string bytes, bool script);

}  // namespace interrogator
