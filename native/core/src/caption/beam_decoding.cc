#include "caption/beam_decoding.h"

#include <ATen/ops/log_softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/topk.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "device/transfer.h"

namespace interrogator {

BeamDecoding::BeamDecoding(const Module& decoder, const CaptionManifest& manifest, const GenerateOptions& options,
                           const at::Tensor& image_embeds)
    : decoder_(decoder),
      manifest_(manifest),
      rules_(options, manifest.eos_id, first_sequence(manifest, options)),
      beams_(options.num_beams) {
  const auto images = static_cast<std::size_t>(image_embeds.size(0));
  searches_.assign(images, BeamSearch(static_cast<std::size_t>(beams_), manifest.eos_id, options.max_tokens));
  dropped_.assign(images, false);
  open_.resize(images);
  std::iota(open_.begin(), open_.end(), std::size_t{0});
  DecodingStart start = start_decoding(decoder, manifest, options, image_embeds);
  caches_ = std::move(start.caches);
  for (at::Tensor* const cache : {&caches_.keys, &caches_.values, &caches_.cross_keys, &caches_.cross_values}) {
    *cache = cache->repeat_interleave(beams_, 1);
  }
  ids_ = at::tensor(start.ids).unsqueeze(0).repeat({caches_.keys.size(1), 1});
}

std::vector<std::size_t> BeamDecoding::advance() {
  const auto images = static_cast<std::int64_t>(open_.size());
  const at::Tensor scores = log_probabilities().view({images, -1});
  const auto count = static_cast<std::int64_t>(searches_[open_.front()].candidates());
  const auto [values, indices] = at::topk(scores, count, /*dim=*/1);
  const std::vector<at::Tensor> best = download({values, indices});
  position_ += ids_.size(1);

  std::vector<std::size_t> ended, open;
  std::vector<std::int64_t> rows, ids;
  for (std::int64_t place = 0; place < images; ++place) {
    const std::size_t image = open_[static_cast<std::size_t>(place)];
    if (dropped_[image]) continue;
    const float* const score = best[0].const_data_ptr<float>() + place * count;
    const std::int64_t* const index = best[1].const_data_ptr<std::int64_t>() + place * count;
    std::vector<BeamCandidate> candidates;
    for (std::int64_t i = 0; i < count; ++i) {
      candidates.push_back({score[i], static_cast<std::size_t>(index[i] / manifest_.vocab_size), index[i] % manifest_.vocab_size});
    }
    BeamSearch& search = searches_[image];
    search.take(candidates);
    if (search.done()) {
      ended.push_back(image);
      continue;
    }
    open.push_back(image);
    for (const Beam& beam : search.running()) {
      rows.push_back(place * beams_ + static_cast<std::int64_t>(beam.parent));
      ids.push_back(beam.ids.back());
    }
  }
  const bool all_images_stay = open.size() == open_.size();
  open_ = std::move(open);
  if (open_.empty()) return ended;
  reorder(rows, all_images_stay);
  ids_ = at::tensor(ids).unsqueeze(1);
  return ended;
}

void BeamDecoding::drop(std::size_t image) {
  dropped_[image] = true;
  // Its rows go with the next step, unless there is none.
  const auto wanted = [&](std::size_t each) { return !dropped_[each]; };
  if (std::none_of(open_.begin(), open_.end(), wanted)) open_.clear();
}

/// The score of each row's beam with each id behind it: float32 [rows, vocab_size].
at::Tensor BeamDecoding::log_probabilities() {
  const at::Tensor logits = last_logits(decoder_, manifest_, upload(ids_, caches_.keys.device()), position_, caches_).to(at::kFloat);
  at::Tensor scores = at::log_softmax(logits, -1);
  std::vector<std::vector<std::int64_t>> new_ids;
  std::vector<float> so_far;
  for (const std::size_t image : open_) {
    for (const Beam& beam : searches_[image].running()) {
      so_far.push_back(beam.score);
      new_ids.push_back(beam.ids);
    }
  }
  if (!rules_.none()) scores = rules_.apply(scores, new_ids);
  return scores + upload(at::tensor(so_far), scores.device()).unsqueeze(1);
}

/// All beams of an image read the same of it, so that this moves only where images do.
void BeamDecoding::reorder(const std::vector<std::int64_t>& rows, bool all_images_stay) {
  const bool in_place =
      all_images_stay && std::is_sorted(rows.begin(), rows.end()) && std::adjacent_find(rows.begin(), rows.end()) == rows.end();
  if (in_place) return;
  const at::Tensor order = upload(at::tensor(rows), caches_.keys.device());
  for (at::Tensor* const cache : {&caches_.keys, &caches_.values}) *cache = cache->index_select(1, order);
  if (all_images_stay) return;
  for (at::Tensor* const cache : {&caches_.cross_keys, &caches_.cross_values}) *cache = cache->index_select(1, order);
}

}  // namespace interrogator
