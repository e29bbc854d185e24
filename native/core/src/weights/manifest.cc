#include "weights/manifest.h"

#include <array>

#include "interrogator/error.h"

namespace interrogator {

template <class Value>
Value Manifest::get(const std::string& pointer) const {
  try {
    return json_.at(nlohmann::json::json_pointer(pointer)).get<Value>();
  } catch (const nlohmann::json::exception& wrong) {
    fail("has no usable " + pointer + ": " + wrong.what());
  }
}

bool Manifest::has(const std::string& pointer) const { return json_.contains(nlohmann::json::json_pointer(pointer)); }

void Manifest::fail(const std::string& what) const { throw Error(ErrorCode::kBundleInvalid, place_ + ' ' + what + "; " + remedy_); }

ImagePreprocess Manifest::preprocess(const std::string& parent) const {
  ImagePreprocess image;
  image.height = integer(parent + "/size/0");
  image.width = integer(parent + "/size/1");
  if (image.height < 1 || image.width < 1) fail("has no usable " + parent + "/size");  // a computation divides by it
  image.mean = get<std::array<float, 3>>(parent + "/mean");
  image.std = get<std::array<float, 3>>(parent + "/std");
  image.interpolation = get<std::string>(parent + "/interpolation");
  image.resize_mode = get<std::string>(parent + "/resizeMode");
  image.fill = get<std::uint8_t>(parent + "/fill");
  if (has(parent + "/crop")) image.crop = get<std::string>(parent + "/crop");
  return image;
}

ClipManifest Manifest::clip() const {
  ClipManifest clip;
  clip.name = get<std::string>("/name");
  clip.embed_dim = integer("/embedDim");
  clip.image = preprocess("/image");
  clip.image_file = get<std::string>("/image/file");
  clip.text_file = get<std::string>("/text/file");
  clip.text_tower = get<std::string>("/text/tower");
  clip.context_length = integer("/text/contextLength");
  clip.vocab_size = integer("/text/vocabSize");
  if (clip.text_tower == "causal") {
    clip.layers = integer("/text/layers");
    clip.heads = integer("/text/heads");
  }
  if (!get<nlohmann::json>("/text/sotId").is_null()) clip.sot_id = integer("/text/sotId");
  // Its tree of prompts grows from the start token.
  if (!clip.sot_id && clip.text_tower == "causal") fail("has no usable /text/sotId: a causal tower needs a start token");
  clip.eot_id = integer("/text/eotId");
  return clip;
}

Logits Manifest::logits() const {
  Logits logits;
  if (!has("/logits")) return logits;
  logits.scale = get<double>("/logits/scale");
  if (has("/logits/bias")) logits.bias = get<double>("/logits/bias");
  return logits;
}

CaptionManifest Manifest::caption() const {
  CaptionManifest caption;
  caption.name = get<std::string>("/name");
  caption.image = preprocess("/vision");
  caption.vision_file = get<std::string>("/vision/file");
  caption.decoder_file = get<std::string>("/decoder/file");
  caption.vocab_size = integer("/decoder/vocabSize");
  caption.layers = integer("/decoder/layers");
  caption.heads = integer("/decoder/heads");
  caption.head_dim = integer("/decoder/headDim");
  caption.max_positions = integer("/decoder/maxPositions");
  caption.eos_id = integer("/decoder/eosId");
  caption.prompt_ids = get<std::vector<std::int64_t>>("/decoder/promptIds");
  if (has("/decoder/prefixIds")) caption.prefix_ids = get<std::vector<std::int64_t>>("/decoder/prefixIds");
  if (has("/decoder/encoderEndId")) caption.encoder_end_id = integer("/decoder/encoderEndId");
  return caption;
}

}  // namespace interrogator
