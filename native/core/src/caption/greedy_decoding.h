// Greedy decoding of the captions of one batch of images.
//
// A token of each caption takes one pass over the decoder's weights, which takes as long as reading them from memory. A caption that is
// alone on the CPU is therefore drafted ahead: a copy of the decoder with int8 weights drafts some tokens in a quarter of the time each,
// and one pass of the decoder itself verifies them all (speculative decoding, Leviathan et al. 2023, arXiv:2211.17192, for greedy
// choice). The caption is what the decoder itself chooses, whatever was drafted. The logits of a verification differ from those of
// single steps by the rounding of float32, as those of a larger batch do.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "caption/decode_graph.h"
#include "caption/decoding.h"
#include "caption/token_rules.h"

namespace interrogator {

/// A token of each caption at a time, or several of a caption alone. A row is an image whose caption may still grow.
class GreedyDecoding final : public Decoding {
 public:
  /// image_embeds: [images, image tokens, width], of the decoder's type and device. `drafter` drafts in the
  /// decoder's place, which needs `step_each` to verify; null: nothing is drafted, nor where rules change what is likeliest.
  GreedyDecoding(const Module& decoder, const Module* drafter, const CaptionManifest& manifest, DecodeGraphs& graphs,
                 const GenerateOptions& options, const at::Tensor& image_embeds);

  bool done() const noexcept override { return open_ == 0; }
  std::vector<std::size_t> advance() override;
  void drop(std::size_t image) override;
  std::vector<std::int32_t> take_caption(std::size_t image) override { return std::move(captions_[image]); }
  DraftCounts draft_counts() const noexcept override { return draft_counts_; }

 private:
  void finish(std::size_t image);
  at::Tensor step(std::int64_t position);
  at::Tensor step_by_rules(std::int64_t position) const;
  bool may_draft() const;
  bool draft();
  std::vector<std::size_t> verify_drafts();
  std::vector<std::size_t> take(const std::int64_t* ids);
  void drop_finished(std::int64_t position);

  const Module& decoder_;
  const Module* const drafter_;
  const CaptionManifest& manifest_;
  const TokenRules rules_;
  const std::int64_t max_tokens_;
  DecodeCaches caches_;  // of prompt + max_tokens positions, or more
  GraphedDecoding graphed_;
  at::Tensor ids_;  // int64 [rows, T] on the CPU: what the next step reads
  std::vector<std::size_t> image_of_row_;
  std::size_t open_ = 0;  // images that are not finished
  std::int64_t position_ = 0;
  std::vector<std::vector<std::int32_t>> captions_;
  std::vector<bool> finished_;        // by image; dropped ones too
  std::vector<std::int64_t> drafts_;  // what may follow ids_, not verified yet
  std::int64_t most_drafts_;          // before they are verified
  DraftCounts draft_counts_;
};

}  // namespace interrogator
