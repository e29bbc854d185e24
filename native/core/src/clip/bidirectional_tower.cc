#include "clip/bidirectional_tower.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <span>
#include <utility>

#include "clip/prefix_tree.h"
#include "device/transfer.h"

namespace interrogator {

namespace {

/// Most tokens a batch; see block_limits in causal_tower.cc.
std::int64_t tokens_per_batch(c10::Device device) { return device.is_cpu() ? 512 : 32768; }

using Tokens = std::span<const std::int32_t>;

}  // namespace

/// Suffixes with their end tokens, the shortest first, equal ones beside each other.
struct BidirectionalTower::Texts final : PreparedTexts {
  explicit Texts(TokenLists cut) : suffixes(std::move(cut)) {
    for (std::size_t i = 0; i < suffixes.count(); ++i) order.push_back(static_cast<std::int64_t>(i));
    std::sort(order.begin(), order.end(), [this](std::int64_t a, std::int64_t b) {
      const Tokens left = suffixes.text(a), right = suffixes.text(b);
      if (left.size() != right.size()) return left.size() < right.size();
      const auto [l, r] = std::mismatch(left.begin(), left.end(), right.begin());
      return l == left.end() ? a < b : *l < *r;
    });
  }

  bool equals_before(std::size_t place) const {
    return place > 0 && std::ranges::equal(suffixes.text(order[place - 1]), suffixes.text(order[place]));
  }

  TokenLists suffixes;
  std::vector<std::int64_t> order;
};

class BidirectionalTower::Encoding final : public TextEncoding {
 public:
  Encoding(const BidirectionalTower& tower, std::vector<std::int64_t> prefix, std::shared_ptr<const Texts> texts)
      : tower_(tower), prefix_(std::move(prefix)), texts_(std::move(texts)) {
    cut_batches();
  }

  bool finished() const noexcept override { return next_ == batches_.size(); }

  TextRows advance() override {
    const std::size_t count = parts_next(tower_.device_, batches_.size() - next_);
    std::vector<at::Tensor> features(count);
    encode_parts(count, [&](std::size_t i) { features[i] = encode(batches_[next_ + i]); });
    TextRows rows;
    for (std::size_t i = next_; i < next_ + count; ++i) {
      const Batch& batch = batches_[i];
      rows.texts.insert(rows.texts.end(), texts_->order.begin() + batch.first, texts_->order.begin() + batch.last);
    }
    next_ += count;
    rows.features = at::cat(features);
    return rows;
  }

 private:
  /// Of one length: the texts order[first … last), of which some may be equal.
  struct Batch {
    std::ptrdiff_t first = 0, last = 0;
    std::int64_t length = 0, distinct = 0;
  };

  void cut_batches() {
    const std::int64_t most = tokens_per_batch(tower_.device_);
    for (std::size_t place = 0; place < texts_->order.size(); ++place) {
      const auto length = static_cast<std::int64_t>(prefix_.size() + texts_->suffixes.text(texts_->order[place]).size());
      const bool again = texts_->equals_before(place);
      const bool fits = !batches_.empty() && batches_.back().length == length && (again || (batches_.back().distinct + 1) * length <= most);
      if (!fits) batches_.push_back({static_cast<std::ptrdiff_t>(place), 0, length, 0});
      if (!again) ++batches_.back().distinct;
      batches_.back().last = static_cast<std::ptrdiff_t>(place) + 1;
    }
  }

  at::Tensor encode(const Batch& batch) const {
    at::Tensor ids = at::empty({batch.distinct, batch.length}, at::kLong);
    auto* to = ids.data_ptr<std::int64_t>();
    std::vector<std::int64_t> row_of;
    std::int64_t row = -1;
    for (std::ptrdiff_t place = batch.first; place < batch.last; ++place) {
      if (place == batch.first || !texts_->equals_before(static_cast<std::size_t>(place))) {
        ++row;
        const Tokens suffix = texts_->suffixes.text(texts_->order[static_cast<std::size_t>(place)]);
        to = std::copy(suffix.begin(), suffix.end(), std::copy(prefix_.begin(), prefix_.end(), to));
      }
      row_of.push_back(row);
    }
    return tower_.encode(ids).index_select(0, upload(at::tensor(row_of), tower_.device_));
  }

  const BidirectionalTower& tower_;
  const std::vector<std::int64_t> prefix_;  // start token first
  const std::shared_ptr<const Texts> texts_;
  std::vector<Batch> batches_;
  std::size_t next_ = 0;
};

BidirectionalTower::BidirectionalTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device)
    : TextTower(manifest, device), module_(Module::load(file, device, {"forward"})) {
  check_module(file, [this] { encode(at::tensor(std::vector<std::int64_t>{manifest_.sot_id, manifest_.eot_id}).unsqueeze(0)); });
}

std::shared_ptr<PreparedTexts> BidirectionalTower::prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                                           std::int64_t room) const {
  return std::make_shared<Texts>(cut_suffixes(texts, chosen, room, manifest_.eot_id));
}

std::unique_ptr<TextEncoding> BidirectionalTower::begin(const std::vector<std::int32_t>& prefix,
                                                        std::shared_ptr<const PreparedTexts> texts) const {
  CutPrefix cut = cut_prefix(prefix, {manifest_.context_length, manifest_.sot_id, manifest_.eot_id});
  return std::make_unique<Encoding>(*this, std::move(cut.ids), std::static_pointer_cast<const Texts>(std::move(texts)));
}

at::Tensor BidirectionalTower::encode(const at::Tensor& ids) const {
  const at::Tensor rows = module_.call("forward", {upload(ids, device_)});
  check_rows(rows, ids.size(0));
  return rows.to(at::kFloat);
}

}  // namespace interrogator
