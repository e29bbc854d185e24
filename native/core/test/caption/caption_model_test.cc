#include "interrogator/caption_model.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "ops/packed_weights.h"
#include "support/calls.h"
#include "support/model_cases.h"

namespace interrogator {
namespace {

using test::Cases;
using test::code_of;
using test::on;

constexpr std::int32_t kEnd = 102;

class CaptionModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    device_ = Device::open("cpu", {.threads = 1, .max_batch = 5});
    cases_.emplace(test::model_cases_folder() / "caption.tensors");
    model_ = open("caption");
  }

  std::shared_ptr<CaptionModel> open(const char* bundle) {
    return on(device_, [&] { return CaptionModel::open(device_, test::model_cases_folder() / bundle); });
  }

  std::vector<std::vector<std::int32_t>> generate(const std::vector<ImageView>& images, std::int64_t max_tokens) {
    return on(device_, [&] { return test::generate(model_, images, {max_tokens}); });
  }

  std::vector<std::int32_t> expected(int max_tokens, std::size_t image) const {
    return cases_->ids("caption" + std::to_string(max_tokens) + "_" + std::to_string(image));
  }

  DevicePtr device_;
  std::optional<Cases> cases_;
  std::shared_ptr<CaptionModel> model_;
};

TEST_F(CaptionModelTest, CaptionsEqualTransformersGreedyOnes) {
  const auto images = cases_->images();
  ASSERT_GT(images.size(), device_->options().max_batch);
  for (const int max_tokens : {1, 12, 40}) {
    const auto captions = generate(images, max_tokens);
    ASSERT_EQ(captions.size(), images.size());
    for (std::size_t i = 0; i < images.size(); ++i)
      EXPECT_EQ(captions[i], expected(max_tokens, i)) << "image " << i << ", most " << max_tokens;
  }
}

TEST_F(CaptionModelTest, ACaptionDoesNotDependOnTheBatch) {
  const auto images = cases_->images();
  for (std::size_t i = 0; i < images.size(); ++i) EXPECT_EQ(generate({images[i]}, 40)[0], expected(40, i));
  const auto reversed = generate({images.rbegin(), images.rend()}, 40);
  for (std::size_t i = 0; i < images.size(); ++i) EXPECT_EQ(reversed[i], expected(40, images.size() - 1 - i));
}

TEST_F(CaptionModelTest, ACaptionEndsWithTheEndTokenOrAtTheLimit) {
  std::set<std::size_t> lengths;
  for (const auto& caption : generate(cases_->images(), 40)) {
    lengths.insert(caption.size());
    EXPECT_TRUE(caption.back() == kEnd || caption.size() == 40u);
    for (std::size_t i = 0; i + 1 < caption.size(); ++i) EXPECT_NE(caption[i], kEnd);
  }
  EXPECT_GE(lengths.size(), 3u) << "the cases must end at different steps to test anything";
}

TEST_F(CaptionModelTest, DraftsOnTheCpuWhereWeightsArePacked) {
  generate({cases_->images()[0]}, 40);
  const DraftCounts counts = on(device_, [&] { return model_->draft_counts(); });
  EXPECT_EQ(counts.drafted > 0, ops::packing_pays());
  EXPECT_LE(counts.accepted, counts.drafted);
}

TEST_F(CaptionModelTest, DoesNotDraftWithABundleFromBeforeStepEach) {
  const std::filesystem::path sample = std::filesystem::path(INTERROGATOR_TEST_FOLDER) / "../../../models/sample/caption";
  model_ = on(device_, [&] { return CaptionModel::open(device_, sample); });
  EXPECT_FALSE(generate({cases_->images()[0]}, 20)[0].empty());
  EXPECT_EQ(on(device_, [&] { return model_->draft_counts().drafted; }), 0);
}

TEST_F(CaptionModelTest, TheLowestIdWinsATie) {
  model_ = open("tied-caption");
  EXPECT_EQ(generate({cases_->images()[0]}, 6)[0], std::vector<std::int32_t>(6, 0));
}

TEST_F(CaptionModelTest, NoImagesGiveNoCaptions) { EXPECT_TRUE(generate({}, 5).empty()); }

TEST_F(CaptionModelTest, TakesAsManyTokensAsThereArePositionsAndNoMore) {
  const std::int64_t most = model_->manifest().max_positions - static_cast<std::int64_t>(model_->manifest().prompt_ids.size()) + 1;
  EXPECT_EQ(most, 64);
  const auto caption = generate({cases_->images()[0]}, most)[0];
  EXPECT_LE(caption.size(), 64u);
  for (const std::int64_t bad : {std::int64_t{0}, std::int64_t{-1}, most + 1}) {
    EXPECT_EQ(code_of([&] { generate({cases_->images()[0]}, bad); }), ErrorCode::kInvalidArgument) << bad;
  }
}

TEST_F(CaptionModelTest, StopsInTheMiddleOfDecodingWhenCancelled) {
  // Ends at no token, so that only the token can stop it early.
  model_ = open("tied-caption");
  const std::vector<ImageView> images(200, cases_->images()[0]);
  const auto token = std::make_shared<CancelToken>();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    token->cancel();
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(code_of([&] { on(device_, [&] { test::generate(model_, images, {63}, token.get()); }); }), ErrorCode::kAborted);
  const auto stopped = std::chrono::steady_clock::now() - start;
  canceller.join();
  const auto again = std::chrono::steady_clock::now();
  generate({images.begin(), images.begin() + 20}, 63);
  EXPECT_LT(stopped, 10 * (std::chrono::steady_clock::now() - again)) << "a tenth of the work took longer than all of it cancelled";
}

TEST_F(CaptionModelTest, AnswersTheSameAfterOffload) {
  on(device_, [&] { model_->offload(); });
  EXPECT_EQ(generate({cases_->images()[0]}, 12)[0], expected(12, 0));
  on(device_, [&] { model_->restore(); });
  EXPECT_EQ(generate({cases_->images()[0]}, 12)[0], expected(12, 0));
}

TEST_F(CaptionModelTest, MemoryIsFlatOverMixedShapes) {
  const auto images = cases_->images();
  std::mt19937 random(2);
  const auto calls = [&](int count) {
    for (int call = 0; call < count; ++call) {
      generate({images.begin(), images.begin() + 1 + random() % images.size()}, 1 + random() % 20);
    }
  };
  calls(100);
  const double before = test::resident_memory();
  calls(300);
  EXPECT_LT(test::resident_memory(), before * 1.02 + 1);
}

}  // namespace
}  // namespace interrogator
