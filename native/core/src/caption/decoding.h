// Captions of one batch of images on their way: a pass of the decoder at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "caption/decode_graph.h"
#include "interrogator/bundle.h"
#include "interrogator/caption_model.h"
#include "weights/module.h"

namespace interrogator {

class Decoding {
 public:
  Decoding() = default;
  virtual ~Decoding() = default;
  Decoding(const Decoding&) = delete;
  Decoding& operator=(const Decoding&) = delete;

  virtual bool done() const noexcept = 0;

  /// One pass of the decoder or of a drafter. Returns the images whose captions it ended.
  virtual std::vector<std::size_t> advance() = 0;

  /// Its caption is not wanted any more.
  virtual void drop(std::size_t image) = 0;

  /// The new ids, the end token included where reached.
  virtual std::vector<std::int32_t> take_caption(std::size_t image) = 0;

  virtual DraftCounts draft_counts() const noexcept { return {}; }
};

/// What a caption starts from, and the caches for it.
struct DecodingStart {
  DecodeCaches caches;            ///< a row an image, nothing filled; the cross ones are of the image, and of a text that goes with it
  std::vector<std::int64_t> ids;  ///< what the decoder reads first
};

/// The sequence that transformers' generate begins with: what stands for the image, and what the decoder reads first.
std::vector<std::int64_t> first_sequence(const CaptionManifest& manifest, const GenerateOptions& options);

/// image_embeds: [images, image tokens, width], of the decoder's type and device.
DecodingStart start_decoding(const Module& decoder, const CaptionManifest& manifest, const GenerateOptions& options,
                             const at::Tensor& image_embeds);

/// [rows, vocab_size] after the last of ids, int64 [rows, T] on the caches' device. Throws kBundleInvalid where it has another shape.
at::Tensor last_logits(const Module& decoder, const CaptionManifest& manifest, const at::Tensor& ids, std::int64_t position,
                       const DecodeCaches& caches);

/// Throws kBundleInvalid where a decoder gives logits of another shape than the manifest promises.
void check_logits(const at::Tensor& logits, at::IntArrayRef sizes, const CaptionManifest& manifest);

}  // namespace interrogator
