#include <ATen/ops/tensor.h>

#include <map>
#include <utility>
#include <vector>

#include "clip/text_tower.h"
#include "device/transfer.h"
#include "weights/bundle.h"

namespace interrogator {

namespace {

/// Most tokens a batch; see block_limits in causal_tower.cc.
std::size_t tokens_per_batch(c10::Device device) { return device.is_cpu() ? 512 : 32768; }

/// Texts by their suffixes with the end token: the shortest first, equal ones together.
struct SortedTexts final : PreparedTexts {
  explicit SortedTexts(const TokenLists& suffixes) {
    for (std::size_t i = 0; i < suffixes.count(); ++i) {
      const auto text = static_cast<std::int64_t>(i);
      const auto tokens = suffixes.text(text);
      texts_of[{tokens.size(), {tokens.begin(), tokens.end()}}].push_back(text);
    }
  }

  std::map<std::pair<std::size_t, std::vector<std::int32_t>>, std::vector<std::int64_t>> texts_of;  // by length and tokens
};

/// Distinct suffixes of one length, with their texts.
using Batch = std::vector<const decltype(SortedTexts::texts_of)::value_type*>;

std::vector<Batch> cut_batches(const SortedTexts& texts, std::size_t prefix, std::size_t most_tokens) {
  std::vector<Batch> batches;
  for (const auto& suffix : texts.texts_of) {
    const std::size_t length = suffix.first.first;
    const bool fits =
        !batches.empty() && batches.back().front()->first.first == length && (batches.back().size() + 1) * (prefix + length) <= most_tokens;
    if (!fits) batches.emplace_back();
    batches.back().push_back(&suffix);
  }
  return batches;
}

class BidirectionalTower final : public TextTower {
 public:
  BidirectionalTower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device)
      : TextTower(manifest, bundle.load(manifest.text_file, device, {"forward"}), device) {}

  std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                         std::int64_t room) const override {
    return std::make_shared<SortedTexts>(cut_suffixes(texts, chosen, room, manifest_));
  }

  TextEncoding begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> prepared) const override {
    const auto texts = std::static_pointer_cast<const SortedTexts>(std::move(prepared));
    const std::vector<std::int64_t> start = cut_prefix(prefix, manifest_).ids;
    const std::vector<Batch> batches = cut_batches(*texts, start.size(), tokens_per_batch(device_));
    // The batches point into the texts.
    return {device_, batches.size(), [this, start, batches, texts](std::size_t i) { return encode(start, batches[i]); }};
  }

 private:
  void probe() const override {
    std::vector<std::int64_t> empty_text = cut_prefix({}, manifest_).ids;
    empty_text.push_back(manifest_.eot_id);
    encode(at::tensor(empty_text).unsqueeze(0));
  }

  TextRows encode(const std::vector<std::int64_t>& prefix, const Batch& batch) const {
    std::vector<std::int64_t> ids, row_of;
    TextRows rows;
    for (std::size_t row = 0; row < batch.size(); ++row) {
      const auto& [suffix, texts] = *batch[row];
      ids.insert(ids.end(), prefix.begin(), prefix.end());
      ids.insert(ids.end(), suffix.second.begin(), suffix.second.end());
      row_of.insert(row_of.end(), texts.size(), static_cast<std::int64_t>(row));
      rows.texts.insert(rows.texts.end(), texts.begin(), texts.end());
    }
    const at::Tensor distinct = encode(at::tensor(ids).view({static_cast<std::int64_t>(batch.size()), -1}));
    rows.features = distinct.index_select(0, upload(at::tensor(row_of), device_));
    return rows;
  }

  /// ids: int64 [B, T] on the CPU → float32 [B, embed_dim].
  at::Tensor encode(const at::Tensor& ids) const {
    const at::Tensor rows = module_.call("forward", {upload(ids, device_)});
    check_rows(rows, ids.size(0));
    return rows.to(at::kFloat);
  }
};

}  // namespace

std::unique_ptr<TextTower> bidirectional_tower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device) {
  return std::make_unique<BidirectionalTower>(manifest, bundle, device);
}

}  // namespace interrogator
