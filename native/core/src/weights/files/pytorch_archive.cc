#include "weights/files/pytorch_archive.h"

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/files/fault.h"
#include "weights/files/unpickler.h"
#include "weights/files/zip_archive.h"

namespace interrogator {

namespace {

using Kind = PickleValue::Kind;
using Tensors = std::map<std::string, StoredTensor>;

constexpr std::uint64_t kLargestPickle = std::uint64_t{32} << 20;  // of the largest models it has some 500 KB
constexpr int kDeepest = 64;
constexpr std::size_t kMostEntries = 200'000, kLongestName = 1000, kMostNameBytes = std::size_t{32} << 20;

std::string read_entry(const ZipArchive& zip, const std::string& name, std::uint64_t most) {
  const std::optional<ByteRange> range = zip.find(name);
  if (!range) return {};
  if (range->size > most)
    refuse("its " + in_quotes(name) + " has " + std::to_string(range->size) + " bytes, expected at most " + std::to_string(most));
  std::string bytes(static_cast<std::size_t>(range->size), '\0');
  if (!zip.file()->read(range->offset, std::as_writable_bytes(std::span(bytes)))) refuse("it was cut short while it was read");
  return bytes;
}

/// The tensors that a pickle's root leads to. Values may refer to one another in circles and over and over. Depth, the length of names, and
/// how many entries are looked at are therefore bounded. An entry counts each time, and also where it holds nothing that is asked for.
class Walk {
 public:
  Walk(const Pickle& pickle, const ZipArchive& zip, const std::string& folder) : pickle_(pickle), zip_(zip), data_(folder + "/data/") {}

  Tensors run() {
    PickleValue root = pickle_.root;
    if (root.kind == Kind::kDict) {
      for (const auto& [key, value] : pickle_.dicts[root.index]) {
        const bool nested = key.kind == Kind::kText && pickle_.text(key) == "state_dict" && value.kind == Kind::kDict;
        if (nested) root = value;
      }
    }
    if (root.kind != Kind::kDict && root.kind != Kind::kObject)
      refuse("it holds no dictionary of tensors; save the state dict: torch.save(model.state_dict(), FILE)");
    visit(root, {}, 0);
    return std::move(tensors_);
  }

 private:
  void visit(const PickleValue& value, const std::string& name, int depth) {
    if (depth > kDeepest) refuse("its dictionaries are nested more than " + std::to_string(kDeepest) + " deep");
    if (value.kind == Kind::kTensor) tensors_.insert_or_assign(name, stored(pickle_.tensors[value.index], name));
    const std::uint32_t dict = dict_of(value);
    if (dict == Pickle::kNoDict) return;
    for (const auto& [key, inner] : pickle_.dicts[dict]) {
      if (++looked_at_ > kMostEntries) refuse("it has more than " + std::to_string(kMostEntries) + " entries");
      if (inner.kind != Kind::kTensor && dict_of(inner) == Pickle::kNoDict) continue;
      std::string part;
      if (key.kind == Kind::kText) part = pickle_.text(key).substr(0, kLongestName + 1);
      else if (key.kind == Kind::kInteger) part = std::to_string(key.number);
      else continue;
      if (name.size() + part.size() > kLongestName) refuse("it has a name of more than " + std::to_string(kLongestName) + " bytes");
      name_bytes_ += name.size() + part.size();
      if (name_bytes_ > kMostNameBytes) refuse("its names have more than " + std::to_string(kMostNameBytes) + " bytes in all");
      visit(inner, name.empty() ? part : name + '.' + part, depth + 1);
    }
  }

  std::uint32_t dict_of(const PickleValue& value) const {
    if (value.kind == Kind::kDict) return value.index;
    return value.kind == Kind::kObject ? pickle_.objects[value.index] : Pickle::kNoDict;
  }

  StoredTensor stored(const PickledTensor& tensor, const std::string& name) const {
    const PickledStorage& storage = pickle_.storages[tensor.storage];
    const std::string file = data_ + std::string(pickle_.text(storage.key));
    const std::optional<ByteRange> range = zip_.find(file);
    if (!range) refuse("its " + in_quotes(name) + " lies in " + in_quotes(file) + ", which is not in the archive");
    const std::uint64_t width = storage.type->bytes, held = range->size / width;
    if (std::cmp_less(held, storage.elements)) {
      refuse("its " + in_quotes(name) + " lies in a storage of " + std::to_string(held) + " numbers that should have " +
             std::to_string(storage.elements));
    }
    const std::uint64_t reached = count_reached(tensor.shape, tensor.strides), size = static_cast<std::uint64_t>(storage.elements);
    const auto offset = static_cast<std::uint64_t>(tensor.offset);
    // One number in many places is no weight, and would take more memory than the file has.
    const bool inside = offset <= size && reached <= size - offset && std::cmp_less_equal(count_elements(tensor.shape), size);
    if (!inside)
      refuse("its " + in_quotes(name) + " of shape " + in_brackets(tensor.shape) + " reaches beyond its storage of " +
             std::to_string(size) + " numbers");
    return {storage.type, tensor.shape, tensor.strides, zip_.file(), range->offset + offset * width};
  }

  const Pickle& pickle_;
  const ZipArchive& zip_;
  const std::string data_;
  std::size_t looked_at_ = 0, name_bytes_ = 0;
  Tensors tensors_;
};

}  // namespace

Tensors read_pytorch_archive(const std::shared_ptr<const InputFile>& file) {
  const ZipArchive zip(file);
  const std::optional<std::string> folder = zip.folder_with("data.pkl");
  if (!folder) refuse("it is a zip archive, but none of PyTorch's: it has no data.pkl");
  if (read_entry(zip, *folder + "/byteorder", 16) == "big")
    refuse("it was saved on a machine with another byte order; save it again on this one");
  const bool script = zip.has_below(*folder + "/code/");
  const Pickle pickle = read_pickle(read_entry(zip, *folder + "/data.pkl", kLargestPickle), script);
  return Walk(pickle, zip, *folder).run();
}

}  // namespace interrogator
