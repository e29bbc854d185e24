#include "caption/greedy_decoding.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <string>
#include <utility>

#include "device/transfer.h"
#include "interrogator/error.h"

namespace interrogator {

namespace {

// A verification reads as much as a step. A draft reads a quarter of it, or a third where the head is a word embedding too.
constexpr std::int64_t kMostDrafts = 5;
// How many more to draft after drafts that were all accepted.
constexpr std::int64_t kMoreDrafts = 2;

}  // namespace

GreedyDecoding::GreedyDecoding(const Module& decoder, const Module* drafter, const CaptionManifest& manifest, DecodeGraphs& graphs,
                               const GenerateOptions& options, const at::Tensor& image_embeds)
    : decoder_(decoder),
      drafter_(drafter),
      manifest_(manifest),
      rules_(options, manifest.eos_id, first_sequence(manifest, options)),
      max_tokens_(options.max_tokens),
      graphed_(graphs),
      captions_(static_cast<std::size_t>(image_embeds.size(0))),
      finished_(captions_.size()),
      most_drafts_(kMostDrafts) {
  const std::int64_t batch = image_embeds.size(0);
  DecodingStart start = start_decoding(decoder, manifest, options, image_embeds);
  caches_ = std::move(start.caches);
  // A captured graph ends with the choice. Rules change the logits before it, so that their steps run plainly.
  if (rules_.none()) graphed_.adopt(caches_, 0);
  ids_ = at::tensor(start.ids).unsqueeze(0).repeat({batch, 1});
  for (std::int64_t row = 0; row < batch; ++row) image_of_row_.push_back(static_cast<std::size_t>(row));
  open_ = image_of_row_.size();
}

std::vector<std::size_t> GreedyDecoding::advance() {
  if (open_ * 2 <= image_of_row_.size()) drop_finished(position_);
  if (may_draft() && draft()) return {};
  if (!drafts_.empty()) return verify_drafts();
  const at::Tensor next = step(position_);
  position_ += ids_.size(1);
  ids_ = next.unsqueeze(1);
  return take(next.const_data_ptr<std::int64_t>());
}

void GreedyDecoding::drop(std::size_t image) {
  if (!finished_[image]) finish(image);
}

void GreedyDecoding::finish(std::size_t image) {
  finished_[image] = true;
  --open_;
}

/// The most likely next id of each row, int64 on the CPU; the lowest among equals.
at::Tensor GreedyDecoding::step(std::int64_t position) {
  if (!rules_.none()) return step_by_rules(position);
  const auto next = [this, position](const at::Tensor& ids, const DecodeCaches& caches) {
    return last_logits(decoder_, manifest_, ids, position, caches).argmax(1);
  };
  return download({graphed_.step(ids_, position, caches_, next)})[0];
}

at::Tensor GreedyDecoding::step_by_rules(std::int64_t position) const {
  const at::Tensor logits = last_logits(decoder_, manifest_, upload(ids_, caches_.keys.device()), position, caches_);
  // A row that may still grow has the most.
  std::size_t taken = 0;
  for (const std::size_t image : image_of_row_) taken = std::max(taken, captions_[image].size());
  std::vector<std::vector<std::int64_t>> new_ids;
  for (const std::size_t image : image_of_row_) {
    new_ids.emplace_back(captions_[image].begin(), captions_[image].end());
    // A finished one only fills its row.
    new_ids.back().resize(taken, manifest_.eos_id);
  }
  return download({rules_.apply(logits, new_ids).argmax(1)})[0];
}

/// Only for a caption that is alone: the drafts of several would end at different places. A plain step reads the prompt.
bool GreedyDecoding::may_draft() const { return drafter_ && rules_.none() && image_of_row_.size() == 1 && open_ == 1 && ids_.size(1) == 1; }

/// Drafts one more token, unless there are enough of them. Until the verification the caches hold the drafter's keys and values.
bool GreedyDecoding::draft() {
  const std::int64_t left = max_tokens_ - static_cast<std::int64_t>(captions_[image_of_row_[0]].size());
  const auto count = static_cast<std::int64_t>(drafts_.size());
  // The verification gives one more token.
  if (count >= std::min(most_drafts_, left - 1)) return false;
  if (count > 0 && drafts_.back() == manifest_.eos_id) return false;
  const at::Tensor id = count > 0 ? at::full({1, 1}, drafts_.back(), at::kLong) : ids_;
  drafts_.push_back(last_logits(*drafter_, manifest_, id, position_ + count, caches_).argmax(1).item<std::int64_t>());
  return true;
}

/// Keeps what the decoder itself chooses: the drafts up to the first that differs from its choice, and that choice.
std::vector<std::size_t> GreedyDecoding::verify_drafts() {
  const auto count = static_cast<std::int64_t>(drafts_.size());
  const at::Tensor ids = at::cat({ids_, at::tensor(drafts_).unsqueeze(0)}, 1);
  const at::Tensor logits =
      decoder_.call("step_each", {ids, position_, caches_.keys, caches_.values, caches_.cross_keys, caches_.cross_values});
  check_logits(logits, {1, count + 1, manifest_.vocab_size}, manifest_);
  const at::Tensor chosen = logits[0].argmax(1);
  const std::int64_t* const next = chosen.const_data_ptr<std::int64_t>();
  std::int64_t accepted = 0;
  while (accepted < count && next[accepted] == drafts_[static_cast<std::size_t>(accepted)]) ++accepted;
  drafts_.clear();
  draft_counts_.drafted += count;
  draft_counts_.accepted += accepted;
  most_drafts_ = accepted == count ? std::min(kMostDrafts, count + kMoreDrafts) : accepted + 1;
  position_ += accepted + 1;
  ids_ = chosen.narrow(0, accepted, 1).unsqueeze(0);
  std::vector<std::size_t> ended;
  for (std::int64_t i = 0; i <= accepted && ended.empty(); ++i) ended = take(next + i);
  return ended;
}

/// The next id of each row.
std::vector<std::size_t> GreedyDecoding::take(const std::int64_t* ids) {
  std::vector<std::size_t> ended;
  for (std::size_t row = 0; row < image_of_row_.size(); ++row) {
    const std::size_t image = image_of_row_[row];
    if (finished_[image]) continue;
    std::vector<std::int32_t>& caption = captions_[image];
    caption.push_back(static_cast<std::int32_t>(ids[row]));
    if (ids[row] != manifest_.eos_id && static_cast<std::int64_t>(caption.size()) < max_tokens_) continue;
    finish(image);
    ended.push_back(image);
  }
  return ended;
}

/// Copies the caches of what goes on. Only once half of the rows are done: each copy costs about
/// as much as a step reads.
void GreedyDecoding::drop_finished(std::int64_t position) {
  std::vector<std::int64_t> kept;
  std::vector<std::size_t> images;
  for (std::size_t row = 0; row < image_of_row_.size(); ++row) {
    if (finished_[image_of_row_[row]]) continue;
    kept.push_back(static_cast<std::int64_t>(row));
    images.push_back(image_of_row_[row]);
  }
  const at::Tensor rows = at::tensor(kept);
  ids_ = ids_.index_select(0, rows);
  const at::Tensor device_rows = upload(rows, caches_.keys.device());
  for (at::Tensor* const cache : {&caches_.keys, &caches_.values, &caches_.cross_keys, &caches_.cross_values}) {
    *cache = cache->index_select(1, device_rows);
  }
  if (rules_.none()) graphed_.adopt(caches_, position);
  image_of_row_ = std::move(images);
}

}  // namespace interrogator
