#include "interrogator/bundle.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "interrogator/error.h"
#include "support/python.h"
#include "weights/sha256.h"

namespace interrogator {
namespace {

std::string sha256(const std::string& bytes) {
  Sha256 sha;
  sha.update(bytes.data(), bytes.size());
  return sha.hex_digest();
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

constexpr const char* kClip = R"({
  "formatVersion": 1, "kind": "clip", "name": "ViT-B-32/openai", "torchVersion": "2.11.0", "precision": "fp32", "device": null, "embedDim": 512,
  "image": {"file": "image.pt", "tower": "vit", "size": [224, 240], "mean": [0.48145466, 0.4578275, 0.40821073],
            "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic", "resizeMode": "shortest", "fill": 0},
  "text": {"file": "parts/text.pt", "tower": "causal", "contextLength": 77, "vocabSize": 49408, "layers": 12, "heads": 8, "width": 512,
           "padId": 0, "sotId": 49406, "eotId": 49407},
  "unknown field": [{"deep": null}],
  "files": {"image.pt": {"bytes": 5, "sha256": "IMAGE"}, "parts/text.pt": {"bytes": 4, "sha256": "TEXT"}}
})";

constexpr const char* kCaption = R"({
  "formatVersion": 1, "kind": "caption", "name": "blip-base", "family": "blip",
  "vision": {"file": "image.pt", "size": [384, 384], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
             "interpolation": "bicubic", "resizeMode": "squash", "fill": 7},
  "decoder": {"file": "parts/text.pt", "vocabSize": 30524, "layers": 12, "heads": 12, "headDim": 64, "maxPositions": 512,
              "bosId": 30522, "eosId": 102, "padId": 0, "promptIds": [30522, 5]},
  "files": {"image.pt": {"bytes": 5, "sha256": "IMAGE"}, "parts/text.pt": {"bytes": 4, "sha256": "TEXT"}}
})";

class Bundle : public ::testing::Test {
 protected:
  /// A whole bundle around this manifest.
  void make(const std::string& manifest) {
    test::write_file(folder_ / "image.pt", "image");
    test::write_file(folder_ / "parts/text.pt", "text");
    test::write_file(folder_ / "manifest.json", manifest);
  }
  void make_clip(const std::string& from = "", const std::string& to = "") {
    make(with_hashes(from.empty() ? kClip : replaced(kClip, from, to)));
  }
  void make_caption(const std::string& from = "", const std::string& to = "") {
    make(with_hashes(from.empty() ? kCaption : replaced(kCaption, from, to)));
  }
  static std::string with_hashes(const std::string& manifest) {
    return replaced(replaced(manifest, "\"IMAGE\"", '"' + sha256("image") + '"'), "\"TEXT\"", '"' + sha256("text") + '"');
  }

  /// That opening fails with this code and a message that has all these words in it.
  void expect_failure(ErrorCode code, const std::vector<std::string>& words, bool caption = false) {
    try {
      caption ? (void)open_caption_bundle(folder_.path()) : (void)open_clip_bundle(folder_.path());
      ADD_FAILURE() << "it opened, expected " << code_name(code) << ": " << ::testing::PrintToString(words);
    } catch (const Error& error) {
      EXPECT_EQ(code_name(error.code()), code_name(code)) << error.what();
      for (const std::string& word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << word << " in: " << error.what();
    }
  }

  test::TemporaryFolder folder_;
};

TEST_F(Bundle, ReadsAClipManifest) {
  make_clip();
  const ClipManifest clip = open_clip_bundle(folder_.path());
  EXPECT_EQ(clip.name, "ViT-B-32/openai");
  EXPECT_EQ(clip.embed_dim, 512);
  EXPECT_EQ(clip.image.height, 224);
  EXPECT_EQ(clip.image.width, 240);
  EXPECT_EQ(clip.image.mean[1], 0.4578275F);
  EXPECT_EQ(clip.image.std[2], 0.27577711F);
  EXPECT_EQ(clip.image.resize_mode, "shortest");
  EXPECT_EQ(clip.text_file, "parts/text.pt");
  EXPECT_EQ(clip.context_length, 77);
  EXPECT_EQ(clip.eot_id, 49407);
}

TEST_F(Bundle, ReadsACaptionManifest) {
  make_caption();
  const CaptionManifest caption = open_caption_bundle(folder_.path());
  EXPECT_EQ(caption.family, "blip");
  EXPECT_EQ(caption.image.fill, 7);
  EXPECT_EQ(caption.max_positions, 512);
  EXPECT_EQ(caption.prompt_ids, (std::vector<std::int64_t>{30522, 5}));
}

TEST_F(Bundle, TellsAMissingFolderFromAMissingManifest) {
  EXPECT_THROW(open_clip_bundle(folder_ / "none"), Error);
  expect_failure(ErrorCode::kBundleNotFound, {"manifest.json", "torch-interrogator export clip"});
}

TEST_F(Bundle, RefusesANewerFormatBeforeItLooksAtAnythingElse) {
  make(R"({"formatVersion": 2, "kind": 7, "files": "elsewhere"})");
  expect_failure(ErrorCode::kBundleVersion, {"formatVersion 2", "up to 1", "update"});
}

TEST_F(Bundle, RefusesTheOtherKind) {
  make_caption();
  expect_failure(ErrorCode::kBundleKind, {"'caption' bundle", "'clip'"});
  make_clip();
  expect_failure(ErrorCode::kBundleKind, {"'clip' bundle", "'caption'"}, true);
}

TEST_F(Bundle, RefusesAManifestThatIsNoJson) {
  for (const char* const text : {"", "{", "[]", "<html>", "{\"formatVersion\": 1,}", "{\"formatVersion\": 1} x", "\"x\""}) {
    make(text);
    expect_failure(ErrorCode::kBundleInvalid, {"manifest.json", "export it again"});
  }
  make(std::string(100'000, '['));
  expect_failure(ErrorCode::kBundleInvalid, {"too deeply"});
}

TEST_F(Bundle, NamesTheFieldThatIsWrong) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"\"formatVersion\": 1", "\"formatVersion\": \"1\"", "'formatVersion' = \"1\""},
      {"\"formatVersion\": 1", "\"formatVersion\": 0", "'formatVersion' = 0"},
      {"\"formatVersion\": 1, ", "", "lacks 'formatVersion'"},
      {"\"kind\": \"clip\"", "\"kind\": \"clap\"", "'kind' = \"clap\""},
      {"\"ViT-B-32/openai\"", "null", "'name' = null"},
      {"\"embedDim\": 512", "\"embedDim\": 512.5", "'embedDim' = 512.5"},
      {"\"embedDim\": 512", "\"embedDim\": 0", "'embedDim' = 0"},
      {"[224, 240]", "224", "'image.size' = 224"},
      {"[224, 240]", "[224, 240, 3]", "'image.size'"},
      {"[224, 240]", "[0, 240]", "'image.size'"},
      {"[224, 240]", "[224, 1e9]", "'image.size'"},
      {"0.26862954", "0", "'image.std'"},
      {"0.48145466, ", "", "'image.mean' = a list of 2"},
      {"bicubic", "lanczos", "'image.interpolation' = \"lanczos\""},
      {"shortest", "stretch", "'image.resizeMode' = \"stretch\""},
      {"\"fill\": 0", "\"fill\": 256", "'image.fill' = 256"},
      {"\"file\": \"image.pt\"", "\"file\": \"other.pt\"", "'image.file' = \"other.pt\""},
      {"causal", "prefix", "'text.tower'"},
      {"\"contextLength\": 77", "\"contextLength\": 1", "'text.contextLength'"},
      {"\"layers\": 12, ", "", "lacks 'text.layers'"},
      {"\"heads\": 8", "\"heads\": 7", "'text.width'"},
      {"\"eotId\": 49407", "\"eotId\": 49408", "'text.eotId' = 49408"},
  };
  for (const auto& [from, to, expected] : cases) {
    make_clip(from, to);
    expect_failure(ErrorCode::kBundleInvalid, {expected, "manifest.json", "export it again: torch-interrogator export clip"});
  }
  for (const auto& [from, to, expected] : std::vector<std::array<std::string, 3>>{
           {"\"family\": \"blip\"", "\"family\": \"git\"", "'family' = \"git\""},
           {"[30522, 5]", "[]", "'decoder.promptIds'"},
           {"[30522, 5]", "[30524]", "'decoder.promptIds'"},
           {"\"headDim\": 64, ", "", "lacks 'decoder.headDim'"},
       }) {
    make_caption(from, to);
    expect_failure(ErrorCode::kBundleInvalid, {expected, "export caption blip-base"}, true);
  }
}

TEST_F(Bundle, RefusesFilesOutsideItsFolder) {
  for (const char* const path :
       {"../image.pt", "/etc/hostname", "parts/../image.pt", "C:image.pt", "parts\\\\text.pt", "parts//text.pt", "./image.pt", ""}) {
    make_clip("\"files\": {", std::string("\"files\": {\"") + path + R"(": {"bytes": 5, "sha256": ")" + sha256("image") + "\"}, ");
    expect_failure(ErrorCode::kBundleInvalid, {"not a path inside the bundle"});
  }
}

TEST_F(Bundle, RefusesFilesWithoutSizeOrHash) {
  make_clip("\"bytes\": 5, ", "");
  expect_failure(ErrorCode::kBundleInvalid, {"'image.pt'"});
  make(replaced(with_hashes(kClip), sha256("text"), "short"));
  expect_failure(ErrorCode::kBundleInvalid, {"'parts/text.pt'"});
}

TEST_F(Bundle, NamesTheMissingFile) {
  make_clip();
  std::filesystem::remove(folder_ / "parts/text.pt");
  expect_failure(ErrorCode::kBundleIncomplete, {"parts/text.pt", "export it again: torch-interrogator export clip ViT-B-32/openai"});
}

TEST_F(Bundle, FindsAFlippedByteAndATruncatedFile) {
  make_clip();
  test::write_file(folder_ / "parts/text.pt", "tezt");
  expect_failure(ErrorCode::kBundleDamaged, {"parts/text.pt", sha256("tezt"), sha256("text"), "export it again"});
  EXPECT_NO_THROW(open_clip_bundle(folder_.path(), false));
  test::write_file(folder_ / "parts/text.pt", "tex");
  expect_failure(ErrorCode::kBundleDamaged, {"parts/text.pt", "has 3 bytes", "says 4"});
}

}  // namespace
}  // namespace interrogator
