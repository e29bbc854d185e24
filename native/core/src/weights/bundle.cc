#include "interrogator/bundle.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "interrogator/error.h"
#include "weights/read_json.h"

namespace interrogator {

namespace {

constexpr std::uintmax_t kLargestManifest = std::uintmax_t{16} << 20;
constexpr std::int64_t kLargestSide = 4096;            // pixels; the largest towers take 448 to 1,024
constexpr std::int64_t kMost = std::int64_t{1} << 24;  // of anything counted: dimensions, ids, positions

/// manifest.json. lib/bundles checks a manifest against its schema; what is looked at here is what a computation relies on.
class Manifest {
 public:
  explicit Manifest(const std::filesystem::path& folder) : path_(folder / "manifest.json") {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(path_, error);
    if (error) {
      throw Error(ErrorCode::kBundleNotFound, folder.string() + " holds no manifest.json, so it is no bundle; export the model to it");
    }
    if (bytes > kLargestManifest) fail("is " + std::to_string(bytes) + " bytes long, which no manifest is");
    std::ifstream stream(path_, std::ios::binary);
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

  std::int64_t integer(const std::string& pointer, std::int64_t least = 1, std::int64_t most = kMost) const {
    const auto value = get<nlohmann::json>(pointer);
    if (!value.is_number_integer() || value < least || value > most) {
      fail("has " + value.dump() + " as " + pointer + ", expected an integer from " + std::to_string(least) + " to " +
           std::to_string(most));
    }
    return value.get<std::int64_t>();
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBundleInvalid, path_.string() + ' ' + what + "; export the bundle again");
  }

 private:
  const std::filesystem::path path_;
  nlohmann::json json_;
};

ImagePreprocess read_preprocess(const Manifest& manifest, const std::string& parent) {
  ImagePreprocess image;
  image.height = manifest.integer(parent + "/size/0", 1, kLargestSide);
  image.width = manifest.integer(parent + "/size/1", 1, kLargestSide);
  image.mean = manifest.get<std::array<float, 3>>(parent + "/mean");
  image.std = manifest.get<std::array<float, 3>>(parent + "/std");
  image.interpolation = manifest.get<std::string>(parent + "/interpolation");
  image.resize_mode = manifest.get<std::string>(parent + "/resizeMode");
  image.fill = static_cast<std::uint8_t>(manifest.integer(parent + "/fill", 0, 255));
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
  clip.context_length = manifest.integer("/text/contextLength", 2);
  clip.vocab_size = manifest.integer("/text/vocabSize");
  if (clip.text_tower == "causal") {
    clip.layers = manifest.integer("/text/layers");
    clip.heads = manifest.integer("/text/heads");
    clip.width = manifest.integer("/text/width");
    if (clip.width % clip.heads != 0) manifest.fail("has a /text/width that is no multiple of /text/heads");
  }
  clip.sot_id = manifest.integer("/text/sotId", 0, clip.vocab_size - 1);
  clip.eot_id = manifest.integer("/text/eotId", 0, clip.vocab_size - 1);
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
  caption.max_positions = manifest.integer("/decoder/maxPositions", 2);
  caption.eos_id = manifest.integer("/decoder/eosId", 0, caption.vocab_size - 1);
  const std::size_t prompt = manifest.get<std::vector<std::int64_t>>("/decoder/promptIds").size();
  if (prompt < 1 || static_cast<std::int64_t>(prompt) >= caption.max_positions) manifest.fail("has too many or no /decoder/promptIds");
  for (std::size_t i = 0; i < prompt; ++i) {
    caption.prompt_ids.push_back(manifest.integer("/decoder/promptIds/" + std::to_string(i), 0, caption.vocab_size - 1));
  }
  return caption;
}

}  // namespace interrogator
