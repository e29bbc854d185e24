// A model on disk: manifest.json and the files it vouches for. See docs/bundle-format.md.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace interrogator {

inline constexpr int kBundleFormatVersion = 1;

/// How decoded RGB becomes model input.
struct ImagePreprocess {
  std::int64_t height = 0, width = 0;
  std::array<float, 3> mean{}, std{};
  std::string interpolation;  ///< 'bicubic' | 'bilinear' (Pillow's, antialiased, on 8-bit)
  std::string resize_mode;    ///< 'shortest' (then centre crop) | 'longest' (then pad) | 'squash'
  std::uint8_t fill = 0;      ///< padding value where the crop leaves the image
};

struct ClipManifest {
  std::string name;
  std::int64_t embed_dim = 0;
  ImagePreprocess image;
  std::string image_file, text_file;
  std::string text_tower;  ///< 'causal' | 'bidirectional'
  std::int64_t context_length = 0, vocab_size = 0, layers = 0, heads = 0, width = 0;
  std::int64_t pad_id = 0, sot_id = 0, eot_id = 0;
};

struct CaptionManifest {
  std::string name, family;  ///< family: 'blip'
  ImagePreprocess image;
  std::string vision_file, decoder_file;
  std::int64_t vocab_size = 0, layers = 0, heads = 0, head_dim = 0, max_positions = 0;
  std::int64_t bos_id = 0, eos_id = 0, pad_id = 0;
  std::vector<std::int64_t> prompt_ids;  ///< what decoding starts from, bos included
};

/// Reads manifest.json; checks format version, kind, that every listed file is there, and with
/// verify_hashes each file's size and SHA-256. Throws kBundle*.
ClipManifest open_clip_bundle(const std::filesystem::path& folder, bool verify_hashes = true);
CaptionManifest open_caption_bundle(const std::filesystem::path& folder, bool verify_hashes = true);

}  // namespace interrogator
