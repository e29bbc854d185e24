#include "clip/causal_tower.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <string>
#include <utility>

#include "device/transfer.h"
#include "interrogator/error.h"

namespace interrogator {

namespace {

/// Blocks bound memory and, on the CPU, the time until a cancelled call notices and until another's turn. Of 128, 256,
/// 512 and 1,024 nodes a block 512 came nearest to the limit (interrogator_core_bench, chain step, ViT-B-32).
BlockLimits block_limits(c10::Device device) {
  if (device.is_cpu()) return {.max_nodes = 512, .parts = static_cast<std::int64_t>(parts_at_once(device)), .least_nodes = 64};
  return {.max_nodes = 32768};
}

}  // namespace

class CausalTower::Texts final : public PreparedTexts {
 public:
  explicit Texts(TextBlocks cut) : blocks(std::move(cut)) {}
  void keep_on(c10::Device device) override { blocks.keep_on(device); }

  TextBlocks blocks;
};

class CausalTower::Encoding final : public TextEncoding {
 public:
  Encoding(const CausalTower& tower, const CutPrefix& prefix, std::shared_ptr<const Texts> texts)
      : tower_(tower), texts_(std::move(texts)) {
    if (!finished()) prefilled_ = tower.module_.call_tuple("prefill", {upload(at::tensor(prefix.ids), tower.device_)}, 2);
  }

  bool finished() const noexcept override { return next_ == texts_->blocks.count(); }

  TextRows advance() override {
    const std::size_t count = parts_next(tower_.device_, texts_->blocks.count() - next_);
    std::vector<std::shared_ptr<const TextBlock>> blocks(count);
    std::vector<at::Tensor> features(count);
    encode_parts(count, [&](std::size_t i) {
      blocks[i] = texts_->blocks.block(next_ + i);
      features[i] = tower_.extend(prefilled_, *blocks[i]);
    });
    next_ += count;
    TextRows rows;
    for (const auto& block : blocks) rows.texts.insert(rows.texts.end(), block->texts.begin(), block->texts.end());
    rows.features = count == 1 ? std::move(features[0]) : at::cat(features);
    return rows;
  }

 private:
  const CausalTower& tower_;
  const std::shared_ptr<const Texts> texts_;
  std::vector<at::Tensor> prefilled_;  // keys and values of the prefix
  std::size_t next_ = 0;
};

CausalTower::CausalTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device)
    : TextTower(manifest, device), module_(Module::load(file, device, {"prefill", "extend"})) {
  check_module(file, [this] { probe(); });
}

void CausalTower::probe() const {
  const CutPrefix prefix = cut({});
  const auto prefilled = module_.call_tuple("prefill", {upload(at::tensor(prefix.ids), device_)}, 2);
  for (const at::Tensor& cache : prefilled) {
    if (cache.dim() != 4 || cache.size(0) != manifest_.layers || cache.size(1) != manifest_.heads || cache.size(2) != 1) {
      throw Error(ErrorCode::kRuntime, "keys and values are " + c10::str(cache.sizes()) + " where the manifest has " +
                                           std::to_string(manifest_.layers) + " layers and " + std::to_string(manifest_.heads) + " heads");
    }
  }
  const TextBlocks empty_text(cut_suffixes(TokenLists{{}, {0, 0}}, {0}, prefix.room, manifest_.eot_id), {});
  extend(prefilled, *empty_text.block(0));
}

CutPrefix CausalTower::cut(const std::vector<std::int32_t>& prefix) const {
  return cut_prefix(prefix, {manifest_.context_length, manifest_.sot_id, manifest_.eot_id});
}

std::shared_ptr<PreparedTexts> CausalTower::prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                                    std::int64_t room) const {
  return std::make_shared<Texts>(TextBlocks(cut_suffixes(texts, chosen, room, manifest_.eot_id), block_limits(device_)));
}

std::unique_ptr<TextEncoding> CausalTower::begin(const std::vector<std::int32_t>& prefix,
                                                 std::shared_ptr<const PreparedTexts> texts) const {
  return std::make_unique<Encoding>(*this, cut(prefix), std::static_pointer_cast<const Texts>(std::move(texts)));
}

at::Tensor CausalTower::extend(const std::vector<at::Tensor>& prefilled, const TextBlock& block) const {
  const PrefixTree& tree = block.tree;
  // Kept blocks are there already.
  const auto on_device = [this](const at::Tensor& tensor) { return tensor.device() == device_ ? tensor : upload(tensor, device_); };
  const at::Tensor rows = module_.call(
      "extend", {prefilled[0], prefilled[1], on_device(tree.ids), on_device(tree.depth), on_device(tree.ancestors), on_device(tree.ends)});
  check_rows(rows, tree.ends.size(0));
  return rows.to(at::kFloat).index_select(0, on_device(block.row_of));
}

}  // namespace interrogator
