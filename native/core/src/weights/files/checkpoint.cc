#include "weights/files/checkpoint.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "interrogator/error.h"
#include "weights/files/fault.h"
#include "weights/files/pytorch_archive.h"
#include "weights/files/read_json.h"
#include "weights/files/safetensors.h"

namespace interrogator {

namespace {

using Tensors = std::map<std::string, StoredTensor>;
using File = std::shared_ptr<const InputFile>;

constexpr std::string_view kGetAgain = "; get it again";
constexpr std::size_t kLargestIndex = std::size_t{16} << 20;
constexpr std::size_t kMostShards = 256, kMostTensors = 200'000;

std::string read_start(const InputFile& file, std::size_t most) {
  std::string start(std::min(file.size(), most), '\0');
  if (!file.read(0, std::as_writable_bytes(std::span(start)))) refuse("it was cut short while it was read" + std::string(kGetAgain));
  return start;
}

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return text;
}

/// Without the white space, and the byte order mark, that it begins with.
std::string_view trimmed(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

bool is_ascii_text(std::string_view start) {
  return std::all_of(start.begin(), start.end(), [](char c) { return (c >= 0x20 && c < 0x7F) || (c >= '\t' && c <= '\r'); });
}

/// Refuses what is known to be no weights.
void refuse_other_kinds(std::string_view start) {
  if (start.empty()) refuse("it is empty: a download that broke off, most likely; get it again");
  if (start.starts_with("version https://git-lfs")) {
    refuse("it is a Git LFS pointer, not the file itself; run git lfs pull in its repository, or download the file");
  }
  const std::string text = lower_case(std::string(trimmed(start).substr(0, 14)));
  if (text.starts_with("<!doctype html") || text.starts_with("<html") || text.starts_with("<?xml")) {
    refuse("it is a web page, what a server shows in place of a file; get it again, with a token if the model needs one");
  }
  // A safetensors file may begin with the same byte, as part of its header's size.
  const bool pickle = start.starts_with('\x80') && !(start.size() > 8 && start[8] == '{');
  const bool tar = start.size() > 262 && start.substr(257, 5) == "ustar";
  if (tar || pickle) {
    refuse(
        "it is in the format from before PyTorch 1.6, which could run code; save it again with torch.save(torch.load(FILE, "
        "weights_only=True), NEW), or take the safetensors file of the same repository");
  }
  if (start.starts_with("\x89HDF") || start.starts_with("\x93NUMPY") || start.starts_with("GGUF")) {
    refuse("it is of another format than safetensors and PyTorch's; take the safetensors file of the same repository");
  }
}

Tensors safetensors_of(const File& file) {
  try {
    return read_safetensors(file);
  } catch (const std::runtime_error& wrong) {
    const Error error = current_error();
    if (error.code() != ErrorCode::kRuntime) throw error;
    refuse(wrong.what() + std::string(kGetAgain));
  }
}

/// What `read(file)` gives; where that fails, the error names the file.
template <class Read>
Tensors open_with(const std::filesystem::path& path, const Read& read) {
  const auto file = std::make_shared<const InputFile>(path);
  return explained(
      ErrorCode::kWeightsInvalid, [&] { return read(file); },
      [&](const std::string& why) { return path.string() + " cannot be read as weights: " + why; });
}

Tensors read_tensors(const File& file) {
  const std::string start = read_start(*file, 512);
  refuse_other_kinds(start);
  if (start.starts_with("PK\x03\x04")) return read_pytorch_archive(file);
  if (start.size() > 8 && start[8] == '{') return safetensors_of(file);
  refuse("it is no checkpoint: neither a safetensors nor a PyTorch file" + std::string(kGetAgain));
}

/// All shards of an index, which lie beside it.
Tensors open_shards(const std::filesystem::path& index, const nlohmann::json& weight_map) {
  std::set<std::string> shards;
  for (const auto& [name, file] : weight_map.items()) {
    if (!file.is_string()) refuse("it names no file for " + in_quotes(name) + std::string(kGetAgain));
    shards.insert(file.get<std::string>());
  }
  if (shards.size() > kMostShards)
    refuse("it names " + std::to_string(shards.size()) + " files, expected at most " + std::to_string(kMostShards));
  std::map<std::string, Tensors> found;
  std::size_t count = 0;
  for (const std::string& shard : shards) {
    const bool beside =
        !shard.empty() && shard != "." && shard != ".." && shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
    if (!beside) refuse("it names the file " + in_quotes(shard) + ", which does not lie beside it");
    found[shard] = open_with(index.parent_path() / shard, read_tensors);
    count += found[shard].size();
    if (count > kMostTensors) refuse("its files have more than " + std::to_string(kMostTensors) + " tensors in all");
  }
  Tensors tensors;
  for (const auto& [name, file] : weight_map.items()) {
    Tensors& shard = found[file.get<std::string>()];
    const auto tensor = shard.find(name);
    if (tensor == shard.end())
      refuse("it names " + in_quotes(name) + " in " + in_quotes(file.get<std::string>()) + ", which does not have it; get both again");
    tensors.insert(shard.extract(tensor));
  }
  for (auto& [file, left] : found) tensors.merge(left);
  return tensors;
}

Tensors open_json(const File& file, std::string_view start) {
  if (file->size() <= kLargestIndex) {
    const nlohmann::json index = read_json(read_start(*file, kLargestIndex), 1'000'000);
    if (index.is_object() && index.contains("weight_map") && index["weight_map"].is_object()) {
      return open_shards(file->path(), index["weight_map"]);
    }
  }
  refuse("it is JSON, not weights: " + in_quotes(trimmed(start).substr(0, 80)) + "; name the file of weights itself");
}

Tensors read_any(const File& file) {
  const std::string start = read_start(*file, 512);
  refuse_other_kinds(start);
  if (!is_ascii_text(trimmed(start).substr(0, 64))) return read_tensors(file);
  if (trimmed(start).starts_with('{')) return open_json(file, start);
  refuse("it is text, not weights: " + in_quotes(trimmed(start).substr(0, 80)) + std::string(kGetAgain));
}

void drop_prefix(Tensors& tensors, std::string_view prefix) {
  const bool all = std::all_of(tensors.begin(), tensors.end(), [&](const auto& each) { return each.first.starts_with(prefix); });
  if (!all) return;
  Tensors renamed;
  for (auto& [name, tensor] : tensors) renamed.emplace(name.substr(prefix.size()), std::move(tensor));
  tensors = std::move(renamed);
}

}  // namespace

Tensors open_checkpoint(const std::filesystem::path& path) {
  Tensors tensors = open_with(path, read_any);
  drop_prefix(tensors, "module.");
  return tensors;
}

}  // namespace interrogator
