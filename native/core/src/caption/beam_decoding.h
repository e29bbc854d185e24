// Beam search for the captions of one batch of images. A row is a beam of an image that is not finished; the rows of an image are
// neighbours. Each pass gives the log probabilities of all rows; the caches of those that go on are then put in their order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "caption/beam_search.h"
#include "caption/decoding.h"
#include "caption/token_rules.h"

namespace interrogator {

class BeamDecoding final : public Decoding {
 public:
  /// As GreedyDecoding, without a drafter.
  BeamDecoding(const Module& decoder, const CaptionManifest& manifest, const GenerateOptions& options, const at::Tensor& image_embeds);

  bool done() const noexcept override { return open_.empty(); }
  std::vector<std::size_t> advance() override;
  void drop(std::size_t image) override;
  std::vector<std::int32_t> take_caption(std::size_t image) override { return searches_[image].best(); }

 private:
  at::Tensor log_probabilities();
  void reorder(const std::vector<std::int64_t>& rows, bool all_images_stay);

  const Module& decoder_;
  const CaptionManifest& manifest_;
  const TokenRules rules_;
  const std::int64_t beams_;
  DecodeCaches caches_;
  at::Tensor ids_;  // int64 [rows, T] on the CPU: what the next step reads
  std::int64_t position_ = 0;
  std::vector<BeamSearch> searches_;  // by image
  std::vector<std::size_t> open_;     // images that have rows, rising
  std::vector<bool> dropped_;         // by image
};

}  // namespace interrogator
