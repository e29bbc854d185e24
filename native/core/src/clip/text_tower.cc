#include "clip/text_tower.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>

#include "interrogator/error.h"
#include "weights/bundle.h"

namespace interrogator {

namespace {

bool is_causal(const ClipManifest& limits) { return limits.text_tower == "causal"; }

}  // namespace

CutPrefix cut_prefix(const std::vector<std::int32_t>& prefix, const ClipManifest& limits) {
  const auto context = static_cast<std::size_t>(limits.context_length);
  const bool causal = is_causal(limits);
  CutPrefix cut;
  if (limits.sot_id) cut.ids.push_back(*limits.sot_id);
  for (const std::int32_t id : prefix) {
    // To a causal tower's feature nothing comes after the first end token. The context's last place is an end token's.
    if ((causal && id == limits.eot_id) || cut.ids.size() + 1 >= context) return cut;
    cut.ids.push_back(id);
  }
  cut.room = limits.context_length - static_cast<std::int64_t>(cut.ids.size()) - 1;
  return cut;
}

TokenLists cut_suffixes(const TokenLists& texts, const std::vector<std::int32_t>& chosen, std::int64_t room, const ClipManifest& limits) {
  const auto eot = static_cast<std::int32_t>(limits.eot_id);
  const bool causal = is_causal(limits);
  TokenLists suffixes;
  suffixes.offsets.push_back(0);
  for (const std::int32_t index : chosen) {
    const auto text = texts.text(index);
    const auto cut = text.begin() + std::min(static_cast<std::ptrdiff_t>(text.size()), static_cast<std::ptrdiff_t>(room));
    const auto end = causal ? std::find(text.begin(), cut, eot) : cut;
    suffixes.ids.insert(suffixes.ids.end(), text.begin(), end);
    suffixes.ids.push_back(eot);
    suffixes.offsets.push_back(static_cast<std::int32_t>(suffixes.ids.size()));
  }
  return suffixes;
}

TextRows TextEncoding::advance() {
  const std::size_t left = parts_ - next_, most = parts_at_once(device_), count = left >= most ? most : 1;
  if (count == 1) {
    TextRows rows = encode_(next_);  // within it, libtorch's own threads
    ++next_;
    return rows;
  }
  std::vector<TextRows> parts(count);
  at::parallel_for(0, static_cast<std::int64_t>(count), 1, [&](std::int64_t first, std::int64_t last) {
    // libtorch does not hand the mode on to its threads.
    const c10::InferenceMode inference;
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) parts[i] = encode_(next_ + i);
  });
  next_ += count;
  TextRows rows;
  std::vector<at::Tensor> features;
  for (TextRows& part : parts) {
    rows.texts.insert(rows.texts.end(), part.texts.begin(), part.texts.end());
    features.push_back(std::move(part.features));
  }
  rows.features = at::cat(features);
  return rows;
}

std::unique_ptr<TextTower> TextTower::open(const ClipManifest& manifest, const Bundle& bundle, c10::Device device) {
  const auto open = manifest.text_tower == "bidirectional" ? bidirectional_tower : causal_tower;
  std::unique_ptr<TextTower> tower = open(manifest, bundle, device);
  const auto probe = [&] { tower->probe(); };
  explained(ErrorCode::kBundleInvalid, probe, [&](const std::string& why) {
    return bundle.place_of(manifest.text_file) + " is no " + manifest.text_tower + " text tower: " + why + "; " + bundle.remedy();
  });
  return tower;
}

void TextTower::check_rows(const at::Tensor& rows, std::int64_t count) const {
  if (rows.dim() == 2 && rows.size(0) == count && rows.size(1) == manifest_.embed_dim) return;
  throw Error(ErrorCode::kRuntime, "features are " + c10::str(rows.sizes()) + " where " + std::to_string(count) + " × " +
                                       std::to_string(manifest_.embed_dim) + " were expected");
}

std::size_t parts_at_once(c10::Device device) { return static_cast<std::size_t>(device.is_cpu() ? at::get_num_threads() : 1); }

}  // namespace interrogator
