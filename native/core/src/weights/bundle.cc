#include "interrogator/bundle.h"

#include <fstream>
#include <iterator>

#include "interrogator/error.h"
#include "weights/read_json.h"

namespace interrogator {

namespace {

/// manifest.json. lib/bundles checks a manifest against its schema; what is looked at here is that fields are there.
class Manifest {
 public:
  explicit Manifest(const std::filesystem::path& folder) : path_(folder / "manifest.json") {
    std::ifstream stream(path_, std::ios::binary);
    if (!stream) {
      throw Error(ErrorCode::kBundleNotFound, folder.string() + " holds no manifest.json, so it is no bundle; export the model to it");
    }
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    try {
      json_ = read_json(text);
    } catch (const std::runtime_error& wrong) {
      fail(std::string("is no readable JSON: ") + wrong.what());
    }
  }

  /// A field by its JSON pointer, `/image/size`. Throws kBundleInvalid where it is missing or of another type.
  template <class Value>
  Value get(const std::string& pointer) const {
    try {
      return json_.at(nlohmann::json::json_pointer(pointer)).get<Value>();
    } catch (const nlohmann::json::exception& wrong) {
      fail("has no usable " + pointer + ": " + wrong.what());
    }
  }

  std::int64_t integer(const std::string& pointer) const { return get<std::int64_t>(pointer); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBundleInvalid, path_.string() + ' ' + what + "; export the bundle again");
  }

 private:
  const std::filesystem::path path_;
  nlohmann::json json_;
};

ImagePreprocess read_preprocess(const Manifest& manifest, const std::string& parent) {
  ImagePreprocess image;
  image.height = manifest.integer(parent + "/size/0");
  image.width = manifest.integer(parent + "/size/1");
  if (image.height < 1 || image.width < 1) manifest.fail("has no usable " + parent + "/size");  // a computation divides by it
  image.mean = manifest.get<std::array<float, 3>>(parent + "/mean");
  image.std = manifest.get<std::array<float, 3>>(parent + "/std");
  image.interpolation = manifest.get<std::string>(parent + "/interpolation");
  image.resize_mode = manifest.get<std::string>(parent + "/resizeMode");
  image.fill = manifest.get<std::uint8_t>(parent + "/fill");
  return image;
}

}  // namespace

ClipManifest open_clip_bundle(const std::filesystem::path& folder) {
  const Manifest manifest(folder);
  ClipManifest clip;
  clip.name = manifest.get<std::string>("/name");
  clip.embed_dim = manifest.integer("/embedDim");
  clip.image = read_preprocess(manifest, "/image");
  clip.image_file = manifest.get<std::string>("/image/file");
  clip.text_file = manifest.get<std::string>("/text/file");
  clip.text_tower = manifest.get<std::string>("/text/tower");
  clip.context_length = manifest.integer("/text/contextLength");
  clip.vocab_size = manifest.integer("/text/vocabSize");
  if (clip.text_tower == "causal") {
    clip.layers = manifest.integer("/text/layers");
    clip.heads = manifest.integer("/text/heads");
  }
  clip.sot_id = manifest.integer("/text/sotId");
  clip.eot_id = manifest.integer("/text/eotId");
  return clip;
}

CaptionManifest open_caption_bundle(const std::filesystem::path& folder) {
  const Manifest manifest(folder);
  CaptionManifest caption;
  caption.name = manifest.get<std::string>("/name");
  caption.image = read_preprocess(manifest, "/vision");
  caption.vision_file = manifest.get<std::string>("/vision/file");
  caption.decoder_file = manifest.get<std::string>("/decoder/file");
  caption.vocab_size = manifest.integer("/decoder/vocabSize");
  caption.layers = manifest.integer("/decoder/layers");
  caption.heads = manifest.integer("/decoder/heads");
  caption.head_dim = manifest.integer("/decoder/headDim");
  caption.max_positions = manifest.integer("/decoder/maxPositions");
  caption.eos_id = manifest.integer("/decoder/eosId");
  caption.prompt_ids = manifest.get<std::vector<std::int64_t>>("/decoder/promptIds");
  return caption;
}

}  // namespace interrogator
