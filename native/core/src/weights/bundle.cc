#include "interrogator/bundle.h"

#include <cmath>
#include <cstdint>

#include "weights/manifest_reader.h"

namespace interrogator {

namespace {

constexpr std::int64_t kLargestSide = 4096;            // pixels; the largest towers take 448 to 1,024
constexpr std::int64_t kMost = std::int64_t{1} << 24;  // of anything counted: dimensions, ids, positions

ImagePreprocess read_preprocess(const ManifestReader& manifest, const std::string& parent) {
  ImagePreprocess image;
  const std::vector<std::int64_t> size = manifest.integers(parent + ".size", 1, kLargestSide);
  if (size.size() != 2) manifest.invalid(parent + ".size", "[height, width]");
  image.height = size[0];
  image.width = size[1];

  const std::vector<double> mean = manifest.numbers(parent + ".mean", 3), std = manifest.numbers(parent + ".std", 3);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    image.mean[channel] = static_cast<float>(mean[channel]);
    image.std[channel] = static_cast<float>(std[channel]);
    if (!std::isfinite(image.mean[channel])) manifest.invalid(parent + ".mean", "three finite numbers");
    if (!std::isfinite(image.std[channel]) || !(image.std[channel] > 0)) manifest.invalid(parent + ".std", "three numbers above 0");
  }
  image.interpolation = manifest.one_of(parent + ".interpolation", {"bicubic", "bilinear"});
  image.resize_mode = manifest.one_of(parent + ".resizeMode", {"shortest", "longest", "squash"});
  image.fill = static_cast<std::uint8_t>(manifest.integer(parent + ".fill", 0, 255));
  return image;
}

}  // namespace

ClipManifest open_clip_bundle(const std::filesystem::path& folder, bool verify_hashes) {
  const ManifestReader manifest(folder, "clip");
  ClipManifest clip;
  clip.name = manifest.text("name");
  clip.embed_dim = manifest.integer("embedDim", 1, kMost);
  clip.image = read_preprocess(manifest, "image");
  clip.image_file = manifest.listed_file("image.file");
  clip.text_file = manifest.listed_file("text.file");
  clip.text_tower = manifest.one_of("text.tower", {"causal", "bidirectional"});
  clip.context_length = manifest.integer("text.contextLength", 2, kMost);
  clip.vocab_size = manifest.integer("text.vocabSize", 1, kMost);
  if (clip.text_tower == "causal") {
    clip.layers = manifest.integer("text.layers", 1, kMost);
    clip.heads = manifest.integer("text.heads", 1, kMost);
    clip.width = manifest.integer("text.width", 1, kMost);
    if (clip.width % clip.heads != 0) manifest.invalid("text.width", "a multiple of text.heads, " + std::to_string(clip.heads));
  }
  clip.pad_id = manifest.integer("text.padId", 0, clip.vocab_size - 1);
  clip.sot_id = manifest.integer("text.sotId", 0, clip.vocab_size - 1);
  clip.eot_id = manifest.integer("text.eotId", 0, clip.vocab_size - 1);
  manifest.check_files(verify_hashes);
  return clip;
}

CaptionManifest open_caption_bundle(const std::filesystem::path& folder, bool verify_hashes) {
  const ManifestReader manifest(folder, "caption");
  CaptionManifest caption;
  caption.name = manifest.text("name");
  caption.family = manifest.one_of("family", {"blip"});
  caption.image = read_preprocess(manifest, "vision");
  caption.vision_file = manifest.listed_file("vision.file");
  caption.decoder_file = manifest.listed_file("decoder.file");
  caption.vocab_size = manifest.integer("decoder.vocabSize", 1, kMost);
  caption.layers = manifest.integer("decoder.layers", 1, kMost);
  caption.heads = manifest.integer("decoder.heads", 1, kMost);
  caption.head_dim = manifest.integer("decoder.headDim", 1, kMost);
  caption.max_positions = manifest.integer("decoder.maxPositions", 2, kMost);
  caption.bos_id = manifest.integer("decoder.bosId", 0, caption.vocab_size - 1);
  caption.eos_id = manifest.integer("decoder.eosId", 0, caption.vocab_size - 1);
  caption.pad_id = manifest.integer("decoder.padId", 0, caption.vocab_size - 1);
  caption.prompt_ids = manifest.integers("decoder.promptIds", 0, caption.vocab_size - 1);
  const auto prompt_size = static_cast<std::int64_t>(caption.prompt_ids.size());
  if (prompt_size < 1 || prompt_size >= caption.max_positions) {
    manifest.invalid("decoder.promptIds", "1 to " + std::to_string(caption.max_positions - 1) + " ids");
  }
  manifest.check_files(verify_hashes);
  return caption;
}

}  // namespace interrogator
