#include "caption/decoding.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include "device/transfer.h"
#include "interrogator/error.h"

namespace interrogator {

namespace {

/// A text that goes with the image is the encoder's.
bool is_encoders(const CaptionManifest& manifest) { return manifest.encoder_end_id.has_value(); }

std::vector<std::int64_t> first_ids(const CaptionManifest& manifest, const GenerateOptions& options) {
  std::vector<std::int64_t> ids = manifest.prompt_ids;
  if (!is_encoders(manifest)) ids.insert(ids.end(), options.prompt.begin(), options.prompt.end());
  return ids;
}

}  // namespace

std::vector<std::int64_t> first_sequence(const CaptionManifest& manifest, const GenerateOptions& options) {
  std::vector<std::int64_t> sequence = manifest.prefix_ids;
  const std::vector<std::int64_t> ids = first_ids(manifest, options);
  sequence.insert(sequence.end(), ids.begin(), ids.end());
  return sequence;
}

DecodingStart start_decoding(const Module& decoder, const CaptionManifest& manifest, const GenerateOptions& options,
                             const at::Tensor& image_embeds) {
  const std::int64_t images = image_embeds.size(0);
  DecodingStart start;
  start.ids = first_ids(manifest, options);
  std::vector<at::Tensor> crossed;
  if (is_encoders(manifest) && !options.prompt.empty()) {
    std::vector<std::int64_t> text(options.prompt.begin(), options.prompt.end());
    text.push_back(*manifest.encoder_end_id);
    const at::Tensor ids = at::tensor(text).unsqueeze(0).repeat({images, 1});
    crossed = decoder.call_tuple("cross_text", {image_embeds, upload(ids, image_embeds.device())}, 2);
  } else {
    crossed = decoder.call_tuple("cross", {image_embeds}, 2);
  }
  start.caches.cross_keys = std::move(crossed[0]);
  start.caches.cross_values = std::move(crossed[1]);
  const std::int64_t length = static_cast<std::int64_t>(start.ids.size()) + options.max_tokens;
  const std::vector<std::int64_t> shape{manifest.layers, images, manifest.heads, length, manifest.head_dim};
  start.caches.keys = at::zeros(shape, image_embeds.options());
  start.caches.values = at::zeros(shape, image_embeds.options());
  return start;
}

at::Tensor last_logits(const Module& decoder, const CaptionManifest& manifest, const at::Tensor& ids, std::int64_t position,
                       const DecodeCaches& caches) {
  at::Tensor logits = decoder.call("step", {ids, position, caches.keys, caches.values, caches.cross_keys, caches.cross_values});
  check_logits(logits, {ids.size(0), manifest.vocab_size}, manifest);
  return logits;
}

void check_logits(const at::Tensor& logits, at::IntArrayRef sizes, const CaptionManifest& manifest) {
  if (logits.sizes() == sizes) return;
  throw Error(ErrorCode::kBundleInvalid, manifest.decoder_file + " gives logits of shape " + c10::str(logits.sizes()) + ", not " +
                                             c10::str(sizes) + ", where the manifest says vocabSize " +
                                             std::to_string(manifest.vocab_size) + "; export the bundle again");
}

}  // namespace interrogator
