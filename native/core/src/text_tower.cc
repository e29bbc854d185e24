#include "text_tower.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <string>
#include <utility>

#include "interrogator/error.h"

namespace interrogator {

namespace {

/// Blocks bound memory and, on the CPU, the time until a cancelled call notices and until another's turn. There one
/// thread takes a block through all layers: nothing to wait for, and what it computes stays in its cache. From 64 rows on
/// the matrix products run near full speed.
BlockLimits block_limits(c10::Device device) {
  if (device.is_cpu()) return {.max_nodes = 512, .parts = at::get_num_threads(), .least_nodes = 64};
  return {.max_nodes = 32768};
}

std::string shape_of(const at::Tensor& tensor) { return c10::str(tensor.sizes()); }

}  // namespace

TextTower::TextTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device)
    : manifest_(manifest), device_(device), module_(Module::load(file, device, {"prefill", "extend"})) {
  try {
    probe();
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kRuntime) throw;
    throw Error(ErrorCode::kBundleInvalid, file.string() + " is no causal text tower: " + failure.what() + "; export the bundle again");
  }
}

/// The shortest text there is, through both methods: a module that does not fit its manifest is
/// found here and not in the middle of a table.
void TextTower::probe() const {
  const CutPrefix prefix = cut({});
  const TextBlocks empty_text = blocks(TokenLists{{}, {0, 0}}, {0}, prefix.room);
  const auto prefilled = module_.call_tuple("prefill", {at::tensor(prefix.ids).to(device_)}, 2);
  for (const at::Tensor& cache : prefilled) {
    if (cache.dim() != 4 || cache.size(0) != manifest_.layers || cache.size(1) != manifest_.heads || cache.size(2) != 1) {
      throw Error(ErrorCode::kRuntime, "keys and values are " + shape_of(cache) + " where the manifest has " +
                                           std::to_string(manifest_.layers) + " layers and " + std::to_string(manifest_.heads) + " heads");
    }
  }
  extend(prefilled, *empty_text.block(0));
}

void TextTower::check(const std::vector<std::int32_t>& prefix) const {
  check(TokenLists{prefix, {0, static_cast<std::int32_t>(prefix.size())}});
}

void TextTower::check(const TokenLists& texts) const { check_token_lists(texts, manifest_.vocab_size); }

CutPrefix TextTower::cut(const std::vector<std::int32_t>& prefix) const {
  return cut_prefix(prefix, {manifest_.context_length, manifest_.sot_id, manifest_.eot_id});
}

TextBlocks TextTower::blocks(const TokenLists& texts, const std::vector<std::int32_t>& chosen, std::int64_t room) const {
  return TextBlocks(cut_suffixes(texts, chosen, room, manifest_.eot_id), block_limits(device_));
}

TextEncoding TextTower::begin(const CutPrefix& prefix, std::shared_ptr<const TextBlocks> blocks) const {
  return TextEncoding(*this, prefix.ids, std::move(blocks));
}

at::Tensor TextTower::extend(const std::vector<at::Tensor>& prefilled, const TextBlock& block) const {
  const PrefixTree& tree = block.tree;
  const at::Tensor rows =
      module_.call("extend", {prefilled[0], prefilled[1], tree.ids.to(device_), tree.depth.to(device_), tree.ancestors.to(device_),
                              tree.ends.to(device_)});
  if (rows.dim() != 2 || rows.size(0) != tree.ends.size(0) || rows.size(1) != manifest_.embed_dim) {
    throw Error(ErrorCode::kRuntime, "features are " + shape_of(rows) + " where " + std::to_string(tree.ends.size(0)) + " × " +
                                         std::to_string(manifest_.embed_dim) + " were expected");
  }
  return rows.to(at::kFloat).index_select(0, block.row_of.to(device_));
}

TextEncoding::TextEncoding(const TextTower& tower, const std::vector<std::int64_t>& prefix, std::shared_ptr<const TextBlocks> blocks)
    : tower_(&tower), blocks_(std::move(blocks)) {
  if (!finished()) prefilled_ = tower.module_.call_tuple("prefill", {at::tensor(prefix).to(tower.device_)}, 2);
}

TextRows TextEncoding::advance() {
  const auto most = static_cast<std::size_t>(tower_->device_.is_cpu() ? at::get_num_threads() : 1);
  const std::size_t count = std::min(most, blocks_->count() - next_);
  std::vector<std::shared_ptr<const TextBlock>> blocks(count);
  std::vector<at::Tensor> features(count);
  const auto encode = [&](std::size_t i) {
    blocks[i] = blocks_->block(next_ + i);
    features[i] = tower_->extend(prefilled_, *blocks[i]);
  };
  if (count == 1) {
    encode(0);
  } else {
    at::parallel_for(0, static_cast<std::int64_t>(count), 1, [&](std::int64_t first, std::int64_t last) {
      // libtorch does not hand the mode on to its threads.
      const c10::InferenceMode inference;
      for (std::int64_t i = first; i < last; ++i) encode(static_cast<std::size_t>(i));
    });
  }
  next_ += count;
  TextRows rows;
  for (const auto& block : blocks) rows.texts.insert(rows.texts.end(), block->texts.begin(), block->texts.end());
  rows.features = count == 1 ? std::move(features[0]) : at::cat(features);
  return rows;
}

}  // namespace interrogator
