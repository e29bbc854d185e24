// Greedy decoding of the captions of one batch of images.
//
// A token of each caption takes one pass over the decoder's weights, and that pass takes the time of reading them. A caption
// alone on the CPU is therefore guessed ahead: the decoder with its weights in a quarter of the memory guesses some tokens, and
// one pass of the decoder itself over all of them says how many are right (speculative decoding, Leviathan et al. 2023,
// arXiv:2211.17192, for greedy choice). What comes out is what the decoder itself chooses, whatever the
// guesses; a check's logits are those of single steps but for the rounding of float32, as those of a larger batch are.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "caption/decode_graph.h"
#include "interrogator/bundle.h"
#include "interrogator/caption_model.h"
#include "weights/module.h"

namespace interrogator {

/// A token of each caption at a time, or several of a caption alone. A row is an image whose caption may still grow.
class GreedyDecoding {
 public:
  /// image_embeds: [images, image tokens, width], of the decoder's type and device. `guesser` takes the decoder's place for
  /// guesses, for which the decoder needs `step_each`; null for none.
  GreedyDecoding(const Module& decoder, const Module* guesser, const CaptionManifest& manifest, DecodeGraphs& graphs,
                 std::int64_t max_tokens, const at::Tensor& image_embeds);

  bool done() const noexcept { return open_ == 0; }

  /// One pass of the decoder or of the guesser. Returns the images whose captions it ended.
  std::vector<std::size_t> advance();

  /// Its caption is not wanted any more.
  void drop(std::size_t image);

  std::vector<std::int32_t> take_caption(std::size_t image) { return std::move(captions_[image]); }

  const GuessCounts& guess_counts() const noexcept { return guess_counts_; }

 private:
  void finish(std::size_t image);
  at::Tensor step(std::int64_t position);
  at::Tensor last_logits(const Module& module, const at::Tensor& ids, std::int64_t position, const DecodeCaches& caches) const;
  void check_logits(const at::Tensor& logits, at::IntArrayRef sizes) const;
  bool may_guess() const;
  bool guess();
  std::vector<std::size_t> check_guesses();
  std::vector<std::size_t> take(const std::int64_t* ids);
  void drop_finished(std::int64_t position);

  const Module& decoder_;
  const Module* const guesser_;
  const CaptionManifest& manifest_;
  const std::int64_t max_tokens_;
  DecodeCaches caches_;  // of prompt + max_tokens positions, or more
  GraphedDecoding graphed_;
  at::Tensor ids_;  // int64 [rows, T] on the CPU: what the next step reads
  std::vector<std::size_t> image_of_row_;
  std::size_t open_ = 0;  // images that are not finished
  std::int64_t position_ = 0;
  std::vector<std::vector<std::int32_t>> captions_;
  std::vector<bool> finished_;         // by image; dropped ones too
  std::vector<std::int64_t> guesses_;  // of what follows ids_, not checked yet
  std::int64_t most_guesses_;          // before a check
  GuessCounts guess_counts_;
};

}  // namespace interrogator
