// What the core reads of a bundle, a model on disk. See docs/bundle-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "interrogator/image_preprocess.h"

namespace interrogator {

struct ClipManifest {
  std::string name;
  std::int64_t embed_dim = 0;
  ImagePreprocess image;
  std::string image_file, text_file;
  std::string text_tower;  ///< 'causal' | 'bidirectional'
  std::int64_t context_length = 0, vocab_size = 0, layers = 0, heads = 0;
  std::int64_t sot_id = 0, eot_id = 0;
};

struct CaptionManifest {
  std::string name;
  ImagePreprocess image;
  std::string vision_file, decoder_file;
  std::int64_t vocab_size = 0, layers = 0, heads = 0, head_dim = 0, max_positions = 0;
  std::int64_t eos_id = 0;
  std::vector<std::int64_t> prompt_ids;  ///< what decoding starts from, bos included
};

/// Reads what the core needs of manifest.json. lib/bundles has checked its values, and the files.
/// Throws kBundleNotFound, kBundleInvalid.
ClipManifest open_clip_bundle(const std::filesystem::path& folder);
CaptionManifest open_caption_bundle(const std::filesystem::path& folder);

}  // namespace interrogator
