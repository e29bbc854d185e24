// Beams and rules with a decoder whose logits are a table's rows, so that every choice is near to others.
#include "caption/beam_decoding.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <optional>

#include "caption/caption_cases.h"
#include "caption/greedy_decoding.h"

namespace interrogator {
namespace {

constexpr std::int64_t kImages = 5;

class BeamDecodingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cases_.emplace(test::caption_cases_folder() / "tables.tensors");
    decoder_.emplace(Module::load(test::caption_cases_folder() / "table.pt", c10::Device(c10::kCPU), {"cross", "step"}));
    manifest_.vocab_size = 40;
    manifest_.layers = manifest_.heads = manifest_.head_dim = 1;
    manifest_.max_positions = 64;
    manifest_.eos_id = 5;
    manifest_.prompt_ids = {1};
  }

  std::unique_ptr<Decoding> begin(const GenerateOptions& options, const std::vector<std::int64_t>& images) {
    const at::Tensor embeds = at::tensor(images).to(at::kFloat).view({-1, 1, 1});
    if (options.num_beams > 1) return std::make_unique<BeamDecoding>(*decoder_, manifest_, options, embeds);
    return std::make_unique<GreedyDecoding>(*decoder_, nullptr, manifest_, graphs_, options, embeds);
  }

  std::vector<std::vector<std::int32_t>> decode(const GenerateOptions& options, const std::vector<std::int64_t>& images) {
    const c10::InferenceMode inference;
    const auto decoding = begin(options, images);
    while (!decoding->done()) decoding->advance();
    std::vector<std::vector<std::int32_t>> captions;
    for (std::size_t image = 0; image < images.size(); ++image) captions.push_back(decoding->take_caption(image));
    return captions;
  }

  std::optional<test::Cases> cases_;
  std::optional<Module> decoder_;
  CaptionManifest manifest_;
  DecodeGraphs graphs_{nullptr};
};

TEST_F(BeamDecodingTest, EqualsTransformersInABatchAndAlone) {
  for (const test::CaptionCase& each : test::caption_cases(*cases_)) {
    EXPECT_EQ(decode(each.options, {0, 1, 2, 3, 4}), each.captions) << each.name;
    for (std::int64_t image = 0; image < kImages; ++image) {
      EXPECT_EQ(decode(each.options, {image})[0], each.captions[static_cast<std::size_t>(image)]) << each.name << ", image " << image;
    }
  }
}

TEST_F(BeamDecodingTest, ImagesThatAreDroppedChangeNoOther) {
  const c10::InferenceMode inference;
  for (const test::CaptionCase& each : test::caption_cases(*cases_)) {
    const auto decoding = begin(each.options, {0, 1, 2, 3, 4});
    decoding->drop(1);
    if (!decoding->done()) decoding->advance();
    decoding->drop(3);
    while (!decoding->done()) decoding->advance();
    for (const std::size_t image : {0, 2, 4}) EXPECT_EQ(decoding->take_caption(image), each.captions[image]) << each.name;
  }
}

TEST_F(BeamDecodingTest, IsDoneOnceAllImagesAreDropped) {
  const c10::InferenceMode inference;
  const auto decoding = begin({.max_tokens = 9, .num_beams = 3}, {0, 1});
  decoding->advance();
  decoding->drop(0);
  EXPECT_FALSE(decoding->done());
  decoding->drop(1);
  EXPECT_TRUE(decoding->done());
}

}  // namespace
}  // namespace interrogator
