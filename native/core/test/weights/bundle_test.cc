#include "weights/bundle.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "interrogator/error.h"
#include "support/python.h"

namespace interrogator {
namespace {

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
  "files": {}
})";

constexpr const char* kCaption = R"({
  "formatVersion": 1, "kind": "caption", "name": "blip-base", "family": "blip",
  "vision": {"file": "image.pt", "size": [384, 384], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5],
             "interpolation": "bicubic", "resizeMode": "squash", "fill": 7},
  "decoder": {"file": "parts/text.pt", "vocabSize": 30524, "layers": 12, "heads": 12, "headDim": 64, "maxPositions": 512,
              "eosId": 102, "promptIds": [30522, 5]},
  "files": {}
})";

class BundleFolder : public ::testing::Test {
 protected:
  void make(const std::string& manifest) { test::write_file(folder_ / "manifest.json", manifest); }
  void make_clip(const std::string& from = "", const std::string& to = "") { make(from.empty() ? kClip : replaced(kClip, from, to)); }
  void make_caption(const std::string& from = "", const std::string& to = "") {
    make(from.empty() ? kCaption : replaced(kCaption, from, to));
  }

  /// That opening fails with this code and a message that has all these words in it.
  void expect_failure(ErrorCode code, const std::vector<std::string>& words, bool caption = false) {
    try {
      const auto bundle = Bundle::open(folder_.path());
      caption ? (void)bundle->manifest().caption() : (void)bundle->manifest().clip();
      ADD_FAILURE() << "it opened, expected " << code_name(code) << ": " << ::testing::PrintToString(words);
    } catch (const Error& error) {
      EXPECT_EQ(code_name(error.code()), code_name(code)) << error.what();
      for (const std::string& word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << word << " in: " << error.what();
    }
  }

  test::TemporaryFolder folder_;
};

TEST_F(BundleFolder, ReadsAClipManifest) {
  make_clip();
  const ClipManifest clip = Bundle::open(folder_.path())->manifest().clip();
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

TEST_F(BundleFolder, ReadsATowerWhoseTextsBeginWithoutAStartToken) {
  make(replaced(replaced(kClip, "causal", "bidirectional"), "49406", "null"));
  EXPECT_FALSE(Bundle::open(folder_.path())->manifest().clip().sot_id.has_value());
  make_clip();
  EXPECT_EQ(Bundle::open(folder_.path())->manifest().clip().sot_id, 49406);
}

TEST_F(BundleFolder, ReadsACaptionManifest) {
  make_caption();
  const CaptionManifest caption = Bundle::open(folder_.path())->manifest().caption();
  EXPECT_EQ(caption.image.fill, 7);
  EXPECT_EQ(caption.max_positions, 512);
  EXPECT_EQ(caption.prompt_ids, (std::vector<std::int64_t>{30522, 5}));
}

TEST_F(BundleFolder, NamesTheManifestThatIsMissing) {
  EXPECT_THROW(Bundle::open(folder_ / "none"), Error);
  expect_failure(ErrorCode::kBundleNotFound, {"manifest.json"});
}

TEST_F(BundleFolder, RefusesAManifestThatIsNoJson) {
  for (const char* const text : {"", "{", "[]", "<html>", "{\"formatVersion\": 1,}", "{\"formatVersion\": 1} x", "\"x\""}) {
    make(text);
    expect_failure(ErrorCode::kBundleInvalid, {"manifest.json", "export the bundle again"});
  }
}

TEST_F(BundleFolder, RefusesAManifestThatIsNestedHoweverDeep) {
  for (const std::size_t depth : {65U, 1'000U, 20'000U, 1'000'000U}) {
    for (const std::string& level : {std::string("["), std::string("{\"a\":")}) {
      std::string text;
      for (std::size_t i = 0; i < depth; ++i) text += level;
      make(text);
      expect_failure(ErrorCode::kBundleInvalid, {"nested more than 64 deep"});
    }
  }
}

TEST_F(BundleFolder, NamesTheFieldThatIsWrong) {
  const std::vector<std::array<std::string, 3>> cases = {
      {"\"ViT-B-32/openai\"", "null", "/name"},  {"\"embedDim\": 512", "\"embedDim\": \"512\"", "/embedDim"},
      {"[224, 240]", "224", "/image/size/0"},    {"[224, 240]", "[224]", "/image/size/1"},
      {"[224, 240]", "[0, 240]", "/image/size"}, {"\"layers\": 12, ", "", "/text/layers"},
      {"49406", "null", "/text/sotId"},          {"\"sotId\": 49406, ", "", "/text/sotId"},
  };
  for (const auto& [from, to, expected] : cases) {
    make_clip(from, to);
    expect_failure(ErrorCode::kBundleInvalid, {expected, "manifest.json", "export the bundle again"});
  }
  for (const auto& [from, to, expected] : std::vector<std::array<std::string, 3>>{
           {"[30522, 5]", "[\"a\"]", "/decoder/promptIds"},
           {"\"headDim\": 64, ", "", "/decoder/headDim"},
       }) {
    make_caption(from, to);
    expect_failure(ErrorCode::kBundleInvalid, {expected}, true);
  }
}

}  // namespace
}  // namespace interrogator
