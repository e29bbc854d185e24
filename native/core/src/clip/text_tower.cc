#include "clip/text_tower.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>

#include "clip/bidirectional_tower.h"
#include "clip/causal_tower.h"
#include "clip/prefix_tree.h"
#include "interrogator/error.h"

namespace interrogator {

std::unique_ptr<TextTower> TextTower::open(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device) {
  if (manifest.text_tower == "bidirectional") return std::make_unique<BidirectionalTower>(manifest, file, device);
  return std::make_unique<CausalTower>(manifest, file, device);
}

void TextTower::check(const std::vector<std::int32_t>& prefix) const {
  check(TokenLists{prefix, {0, static_cast<std::int32_t>(prefix.size())}});
}

void TextTower::check(const TokenLists& texts) const { check_token_lists(texts, manifest_.vocab_size); }

std::int64_t TextTower::room_after(const std::vector<std::int32_t>& prefix) const {
  return cut_prefix(prefix, {manifest_.context_length, manifest_.sot_id, manifest_.eot_id}).room;
}

void TextTower::check_module(const std::filesystem::path& file, const std::function<void()>& probe) const {
  try {
    probe();
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kRuntime) throw;
    throw Error(ErrorCode::kBundleInvalid,
                file.string() + " is no " + manifest_.text_tower + " text tower: " + failure.what() + "; export the bundle again");
  }
}

void TextTower::check_rows(const at::Tensor& rows, std::int64_t count) const {
  if (rows.dim() == 2 && rows.size(0) == count && rows.size(1) == manifest_.embed_dim) return;
  throw Error(ErrorCode::kRuntime, "features are " + c10::str(rows.sizes()) + " where " + std::to_string(count) + " × " +
                                       std::to_string(manifest_.embed_dim) + " were expected");
}

std::size_t parts_at_once(c10::Device device) { return static_cast<std::size_t>(device.is_cpu() ? at::get_num_threads() : 1); }

std::size_t parts_next(c10::Device device, std::size_t left) {
  const std::size_t most = parts_at_once(device);
  return left >= most ? most : std::min<std::size_t>(left, 1);
}

void encode_parts(std::size_t count, const std::function<void(std::size_t)>& encode) {
  if (count == 1) return encode(0);  // within it, libtorch's own threads
  at::parallel_for(0, static_cast<std::int64_t>(count), 1, [&](std::int64_t first, std::int64_t last) {
    // libtorch does not hand the mode on to its threads.
    const c10::InferenceMode inference;
    for (std::int64_t i = first; i < last; ++i) encode(static_cast<std::size_t>(i));
  });
}

}  // namespace interrogator
