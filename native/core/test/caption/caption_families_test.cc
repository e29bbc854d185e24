// Captions of every family equal transformers' own, greedy and with beams, rules and a text to go on from.
#include <gtest/gtest.h>

#include <set>

#include "caption/caption_cases.h"
#include "interrogator/caption_model.h"
#include "support/calls.h"

namespace interrogator {
namespace {

using test::code_of;
using test::on;

class CaptionFamiliesTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    device_ = Device::open("cpu", {.threads = 1, .max_batch = 15});
    cases_.emplace(test::caption_cases_folder() / (std::string(GetParam()) + ".tensors"));
    model_ = on(device_, [&] { return CaptionModel::open(device_, test::caption_cases_folder() / GetParam()); });
  }

  std::vector<std::vector<std::int32_t>> generate(const std::vector<ImageView>& images, const GenerateOptions& options) {
    return on(device_, [&] { return test::generate(model_, images, options); });
  }

  ErrorCode refusal(const GenerateOptions& options) {
    return code_of([&] { generate({cases_->images()[0]}, options); });
  }

  DevicePtr device_;
  std::optional<test::Cases> cases_;
  std::shared_ptr<CaptionModel> model_;
};

TEST_P(CaptionFamiliesTest, CaptionsEqualTransformersInABatchAndAlone) {
  const auto images = cases_->images();
  std::set<std::vector<std::int32_t>> different;
  std::set<std::size_t> lengths;
  for (const test::CaptionCase& each : test::caption_cases(*cases_)) {
    EXPECT_EQ(generate(images, each.options), each.captions) << each.name;
    for (const std::size_t image : {std::size_t{0}, images.size() - 1}) {
      EXPECT_EQ(generate({images[image]}, each.options)[0], each.captions[image]) << each.name << ", image " << image << " alone";
    }
    for (const auto& caption : each.captions) different.insert(caption), lengths.insert(caption.size());
  }
  EXPECT_GT(different.size(), 30u) << "the cases must differ to test anything";
  EXPECT_GT(lengths.size(), 3u);
}

TEST_P(CaptionFamiliesTest, OptionsThatTheModelCannotHaveAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal({.num_beams = 0}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal({.num_beams = kMostBeams + 1}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal({.min_length = -1}), ErrorCode::kInvalidArgument);
  for (const double penalty : {0.0, -1.0, nan, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(refusal({.repetition_penalty = penalty}), ErrorCode::kInvalidArgument) << penalty;
  }
  EXPECT_EQ(refusal({.no_repeat_ngram_size = -2}), ErrorCode::kInvalidArgument);
  const auto vocabulary = static_cast<std::int32_t>(model_->manifest().vocab_size);
  for (const std::int32_t id : {-1, vocabulary}) EXPECT_EQ(refusal({.prompt = {id}}), ErrorCode::kInvalidArgument) << id;
  EXPECT_EQ(refusal({.prompt = std::vector<std::int32_t>(64, 7)}), ErrorCode::kInvalidArgument);
}

TEST_P(CaptionFamiliesTest, APromptTakesPositionsFromTheCaptionUnlessItIsTheEncoders) {
  const CaptionManifest& manifest = model_->manifest();
  const std::int64_t most = manifest.max_positions - static_cast<std::int64_t>(manifest.prompt_ids.size()) + 1;
  const std::vector<std::int32_t> prompt(20, 7);
  const std::int64_t left = manifest.encoder_end_id ? most : most - 20;
  EXPECT_LE(generate({cases_->images()[0]}, {.max_tokens = left, .prompt = prompt})[0].size(), static_cast<std::size_t>(left));
  EXPECT_EQ(refusal({.max_tokens = left + 1, .prompt = prompt}), ErrorCode::kInvalidArgument);
}

TEST_P(CaptionFamiliesTest, BeamsOfImagesInTwoBatchesEqualThoseInOne) {
  const auto images = cases_->images();
  for (const test::CaptionCase& each : test::caption_cases(*cases_)) {
    if (each.options.num_beams == 1) continue;
    // What a batch leaves behind would show in the next.
    std::vector<ImageView> more(images);
    more.insert(more.end(), images.begin(), images.end());
    const auto captions = generate(more, each.options);
    for (std::size_t i = 0; i < more.size(); ++i) EXPECT_EQ(captions[i], each.captions[i % images.size()]) << each.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CaptionFamiliesTest, ::testing::Values("blip", "opt", "t5", "git"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace interrogator
