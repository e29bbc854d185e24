#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <span>
#include <utility>

#include "clip/text_tower.h"
#include "device/transfer.h"

namespace interrogator {

namespace {

/// Most tokens a batch; see block_limits in causal_tower.cc.
std::int64_t tokens_per_batch(c10::Device device) { return device.is_cpu() ? 512 : 32768; }

using Tokens = std::span<const std::int32_t>;

/// Suffixes with their end tokens, the shortest first, equal ones beside each other.
struct SortedTexts final : PreparedTexts {
  explicit SortedTexts(TokenLists cut) : suffixes(std::move(cut)) {
    for (std::size_t i = 0; i < suffixes.count(); ++i) order.push_back(static_cast<std::int64_t>(i));
    std::stable_sort(order.begin(), order.end(), [this](std::int64_t a, std::int64_t b) {
      const Tokens left = suffixes.text(a), right = suffixes.text(b);
      return left.size() != right.size() ? left.size() < right.size() : std::ranges::lexicographical_compare(left, right);
    });
  }

  bool equals_before(std::size_t place) const {
    return place > 0 && std::ranges::equal(suffixes.text(order[place - 1]), suffixes.text(order[place]));
  }

  TokenLists suffixes;
  std::vector<std::int64_t> order;
};

/// Of one length: the texts order[first … last), of which some may be equal.
struct Batch {
  std::size_t first = 0, last = 0;
  std::int64_t length = 0, distinct = 0;
};

std::vector<Batch> cut_batches(const SortedTexts& texts, std::size_t prefix, std::int64_t most_tokens) {
  std::vector<Batch> batches;
  for (std::size_t place = 0; place < texts.order.size(); ++place) {
    const auto length = static_cast<std::int64_t>(prefix + texts.suffixes.text(texts.order[place]).size());
    const bool again = texts.equals_before(place);
    const bool fits =
        !batches.empty() && batches.back().length == length && (again || (batches.back().distinct + 1) * length <= most_tokens);
    if (!fits) batches.push_back({place, 0, length, 0});
    if (!again) ++batches.back().distinct;
    batches.back().last = place + 1;
  }
  return batches;
}

class BidirectionalTower final : public TextTower {
 public:
  BidirectionalTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device)
      : TextTower(manifest, file, device, {"forward"}) {}

  std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                         std::int64_t room) const override {
    return std::make_shared<SortedTexts>(cut_suffixes(texts, chosen, room, manifest_.eot_id));
  }

  TextEncoding begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> prepared) const override {
    const auto texts = std::static_pointer_cast<const SortedTexts>(std::move(prepared));
    const std::vector<std::int64_t> start = cut_prefix(prefix, manifest_).ids;
    const std::vector<Batch> batches = cut_batches(*texts, start.size(), tokens_per_batch(device_));
    return {device_, batches.size(), [=, this](std::size_t i) { return encode(start, *texts, batches[i]); }};
  }

 private:
  void probe() const override { encode(at::tensor(std::vector<std::int64_t>{manifest_.sot_id, manifest_.eot_id}).unsqueeze(0)); }

  TextRows encode(const std::vector<std::int64_t>& prefix, const SortedTexts& texts, const Batch& batch) const {
    at::Tensor ids = at::empty({batch.distinct, batch.length}, at::kLong);
    auto* to = ids.data_ptr<std::int64_t>();
    TextRows rows;
    std::vector<std::int64_t> row_of;
    std::int64_t row = -1;
    for (std::size_t place = batch.first; place < batch.last; ++place) {
      if (place == batch.first || !texts.equals_before(place)) {
        ++row;
        const Tokens suffix = texts.suffixes.text(texts.order[place]);
        to = std::copy(suffix.begin(), suffix.end(), std::copy(prefix.begin(), prefix.end(), to));
      }
      row_of.push_back(row);
      rows.texts.push_back(texts.order[place]);
    }
    rows.features = encode(ids).index_select(0, upload(at::tensor(row_of), device_));
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

std::unique_ptr<TextTower> bidirectional_tower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device) {
  return std::make_unique<BidirectionalTower>(manifest, file, device);
}

}  // namespace interrogator
