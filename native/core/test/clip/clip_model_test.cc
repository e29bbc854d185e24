#include "interrogator/clip_model.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <numeric>
#include <random>

#include "interrogator/prompt_tree.h"
#include "support/calls.h"
#include "support/model_cases.h"

namespace interrogator {
namespace {

using test::Cases;
using test::code_of;
using test::on;

constexpr std::int64_t kDim = 32;

class ClipModelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    device_ = Device::open("cpu", {.threads = 1, .max_batch = 2});
    cases_.emplace(test::model_cases_folder() / "clip.tensors");
    model_ = on(device_, [&] { return ClipModel::open(device_, test::model_cases_folder() / "clip"); });
    texts_ = {cases_->ids("ids"), cases_->ids("offsets")};
  }

  at::Tensor features_of(const TokenLists& texts, const std::vector<std::int32_t>& prefix = {}) {
    return on(device_, [&] { return test::text_features(*model_, prefix, texts).tensor().clone(); });
  }

  TokenLists chosen(const std::vector<std::size_t>& indices) const {
    TokenLists lists{{}, {0}};
    for (const std::size_t index : indices) {
      lists.ids.insert(lists.ids.end(), texts_.ids.begin() + texts_.offsets[index], texts_.ids.begin() + texts_.offsets[index + 1]);
      lists.offsets.push_back(static_cast<std::int32_t>(lists.ids.size()));
    }
    return lists;
  }

  /// One unit row of host numbers.
  Features feature(const at::Tensor& row) {
    return on(device_, [&] { return Features(device_, row.reshape({1, -1})); });
  }

  StepResult best(const PromptTree& tree, const std::vector<std::int32_t>& prefix, const at::Tensor& row, const StepOptions& options = {}) {
    const Features target = feature(row);
    return on(device_, [&] { return test::best(tree, prefix, target, options); });
  }

  DevicePtr device_;
  std::optional<Cases> cases_;
  std::shared_ptr<ClipModel> model_;
  TokenLists texts_;
};

float largest_difference(const at::Tensor& left, const at::Tensor& right) {
  EXPECT_EQ(left.sizes(), right.sizes());
  return left.sub(right).abs().max().item<float>();
}

TEST_F(ClipModelTest, ImageFeaturesEqualOpenClips) {
  const auto images = cases_->images();
  ASSERT_GT(images.size(), device_->options().max_batch);
  const at::Tensor features = on(device_, [&] { return test::image_features(model_, images).tensor().clone(); });
  EXPECT_LT(largest_difference(features, cases_->at("image_features")), 1e-5);
}

TEST_F(ClipModelTest, TextFeaturesEqualOpenClipsLongTextsAndPrefixesCutAlike) {
  for (const int length : {0, 5, 74, 75, 76, 100}) {
    const at::Tensor expected = cases_->at("text_features" + std::to_string(length));
    const at::Tensor features = features_of(texts_, cases_->ids("prefix" + std::to_string(length)));
    EXPECT_LT(largest_difference(features, expected), 1e-5) << "prefix of " << length;
  }
}

TEST_F(ClipModelTest, TextFeaturesDoNotDependOnCompanyAndOrder) {
  const at::Tensor together = features_of(texts_);
  std::vector<std::size_t> order(texts_.count());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  const at::Tensor shuffled = features_of(chosen(order));
  for (std::size_t i = 0; i < order.size(); ++i) {
    EXPECT_LT(largest_difference(shuffled[static_cast<std::int64_t>(i)], together[static_cast<std::int64_t>(order[i])]), 1e-5);
  }
  for (const std::size_t index : {std::size_t{0}, std::size_t{17}, texts_.count() - 4}) {
    EXPECT_LT(largest_difference(features_of(chosen({index}))[0], together[static_cast<std::int64_t>(index)]), 1e-5);
  }
}

TEST_F(ClipModelTest, EqualTextsHaveEqualFeaturesToTheBit) {
  std::vector<std::size_t> indices(300);
  for (std::size_t i = 0; i < indices.size(); ++i) indices[i] = i % 7;
  const at::Tensor features = features_of(chosen(indices));
  for (std::int64_t i = 7; i < features.size(0); ++i) EXPECT_TRUE(features[i].equal(features[i % 7]));
}

TEST_F(ClipModelTest, ManyTextsGoThroughInBlocksWithProgressAndMayStopBetweenThem) {
  TokenLists many{{}, {0}};
  std::mt19937 random(1);
  for (int text = 0; text < 700; ++text) {
    for (int i = 0; i < 12; ++i) many.ids.push_back(static_cast<std::int32_t>(random() % 40000));
    many.offsets.push_back(static_cast<std::int32_t>(many.ids.size()));
  }
  std::vector<std::size_t> seen;
  on(device_, [&] {
    test::text_features(*model_, {}, many, nullptr, [&](std::size_t done, std::size_t total) {
      EXPECT_EQ(total, 700u);
      seen.push_back(done);
    });
  });
  ASSERT_GE(seen.size(), 3u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 700u);

  CancelToken token;
  std::size_t blocks = 0;
  EXPECT_EQ(code_of([&] {
              on(device_, [&] {
                test::text_features(*model_, {}, many, &token, [&](std::size_t, std::size_t) {
                  if (++blocks == 2) token.cancel();
                });
              });
            }),
            ErrorCode::kAborted);
  EXPECT_EQ(blocks, 2u);
}

TEST_F(ClipModelTest, ClosingTheDeviceEndsALongEncodingAtItsNextSlice) {
  TokenLists many{{}, {0}};
  std::mt19937 random(4);
  for (int text = 0; text < 20'000; ++text) {
    for (int i = 0; i < 12; ++i) many.ids.push_back(static_cast<std::int32_t>(random() % 40000));
    many.offsets.push_back(static_cast<std::int32_t>(many.ids.size()));
  }
  std::promise<void> begun, ended;
  std::atomic<int> slices{0};
  SlicedPtr<Features> encoding;
  device_->submit(sliced_job([&] {
                    if (!encoding) encoding = model_->begin_text_features({}, many);
                    const bool last = encoding->advance();
                    if (++slices == 2) begun.set_value();
                    return last;
                  }),
                  [&](std::exception_ptr error) { error ? ended.set_exception(std::move(error)) : ended.set_value(); });
  begun.get_future().wait();
  device_->close();
  EXPECT_EQ(code_of([&] { ended.get_future().get(); }), ErrorCode::kDisposed);
  EXPECT_LT(slices, 100);  // of about 450
}

TEST_F(ClipModelTest, TheDeviceCountsTheWeightsOfItsModels) {
  const std::uint64_t one = device_->stats().weight_bytes;
  EXPECT_GT(one, 100'000u);
  auto second = on(device_, [&] { return ClipModel::open(device_, test::model_cases_folder() / "clip"); });
  EXPECT_EQ(device_->stats().weight_bytes, 2 * one);
  second.reset();
  EXPECT_EQ(device_->stats().weight_bytes, one);
  EXPECT_GT(device_->stats().busy_seconds, 0);
}

TEST_F(ClipModelTest, NoTextsGiveNoRows) {
  EXPECT_EQ(features_of({{}, {0}}).size(0), 0);
  EXPECT_EQ(features_of({}).size(0), 0);
}

TEST_F(ClipModelTest, BestFindsTheMostAndTheLeastSimilarCandidateAfterThePrefix) {
  const PromptTree tree(model_, texts_);
  for (const int length : {0, 5, 74}) {
    const auto prefix = cases_->ids("prefix" + std::to_string(length));
    const at::Tensor rows = cases_->at("text_features" + std::to_string(length));
    for (const int image : {0, 1, 2}) {
      const at::Tensor target = cases_->at("image_features")[image];
      const at::Tensor similarities = rows.matmul(target);
      for (const bool reverse : {false, true}) {
        const StepResult found = best(tree, prefix, target, {.exclude = {}, .reverse = reverse});
        const float expected = (reverse ? similarities.min() : similarities.max()).item<float>();
        EXPECT_NEAR(found.similarity, expected, 1e-5);
        EXPECT_NEAR(similarities[found.index].item<float>(), expected, 1e-5);
      }
    }
  }
}

TEST_F(ClipModelTest, BestLeavesOutTheExcluded) {
  const PromptTree tree(model_, chosen({0, 1, 2, 3}));
  const at::Tensor target = cases_->at("image_features")[0];
  StepOptions options;
  std::vector<float> similarities;
  for (int step = 0; step < 4; ++step) {
    const StepResult found = best(tree, {}, target, options);
    EXPECT_EQ(std::count(options.exclude.begin(), options.exclude.end(), found.index), 0);
    similarities.push_back(found.similarity);
    options.exclude.push_back(found.index);
  }
  EXPECT_TRUE(std::is_sorted(similarities.rbegin(), similarities.rend()));
  EXPECT_EQ(code_of([&] { best(tree, {}, target, options); }), ErrorCode::kInvalidArgument);
}

TEST_F(ClipModelTest, BestGivesTheLowestIndexAmongEquals) {
  const PromptTree tree(model_, chosen({3, 1, 2, 1, 2, 3, 1, 3, 2}));
  const at::Tensor rows = features_of(chosen({3, 1, 2}));
  for (const int wanted : {0, 1, 2}) EXPECT_EQ(best(tree, {}, rows[wanted]).index, wanted);
  const PromptTree same(model_, chosen(std::vector<std::size_t>(40, 9)));
  EXPECT_EQ(best(same, {}, rows[0]).index, 0);
  EXPECT_EQ(best(same, {}, rows[0], {.exclude = {0, 1}, .reverse = true}).index, 2);
}

TEST_F(ClipModelTest, BestTakesEveryCandidateAsEqualOncePrefixFillsTheContext) {
  const PromptTree tree(model_, texts_);
  const StepResult found = best(tree, cases_->ids("prefix100"), cases_->at("image_features")[0], {.exclude = {0, 1}});
  EXPECT_EQ(found.index, 2);
}

TEST_F(ClipModelTest, BestRanksTheEmptyCandidate) {
  const PromptTree tree(model_, {{}, {0, 0}});
  const StepResult found = best(tree, {320, 1125}, features_of({{320, 1125}, {0, 2}})[0]);
  EXPECT_EQ(found.index, 0);
  EXPECT_NEAR(found.similarity, 1, 1e-5);
}

TEST_F(ClipModelTest, BestNeverChoosesWhatIsNotANumber) {
  const PromptTree tree(model_, chosen({0, 1}));
  EXPECT_EQ(code_of([&] { best(tree, {}, at::full({kDim}, std::nan(""))); }), ErrorCode::kRuntime);
}

TEST_F(ClipModelTest, BestRefusesFeaturesOfAnotherShape) {
  const PromptTree tree(model_, chosen({0}));
  EXPECT_EQ(code_of([&] { best(tree, {}, at::ones({kDim + 1})); }), ErrorCode::kInvalidArgument);
}

TEST_F(ClipModelTest, BestStopsWhenCancelled) {
  const PromptTree tree(model_, texts_);
  const Features target = feature(cases_->at("image_features")[0]);
  CancelToken token;
  token.cancel();
  EXPECT_EQ(code_of([&] { on(device_, [&] { test::best(tree, {}, target, {}, &token); }); }), ErrorCode::kAborted);
}

TEST_F(ClipModelTest, AnswersTheSameAfterOffloadAndRestore) {
  const at::Tensor before = features_of(chosen({0, 1}));
  on(device_, [&] {
    model_->offload();
    model_->offload();
  });
  EXPECT_TRUE(features_of(chosen({0, 1})).equal(before));
  on(device_, [&] {
    model_->restore();
    model_->restore();
  });
  EXPECT_TRUE(features_of(chosen({0, 1})).equal(before));
}

TEST_F(ClipModelTest, RefusesAFileThatIsNoModule) {
  const auto folder = test::model_cases_folder() / "clip-without-module";
  std::filesystem::remove_all(folder);
  std::filesystem::copy(test::model_cases_folder() / "clip", folder);
  std::filesystem::resize_file(folder / "text.pt", 100000);
  EXPECT_EQ(code_of([&] { on(device_, [&] { ClipModel::open(device_, folder); }); }), ErrorCode::kBundleInvalid);
  std::filesystem::copy_file(folder / "image.pt", folder / "text.pt", std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(code_of([&] { on(device_, [&] { ClipModel::open(device_, folder); }); }), ErrorCode::kBundleInvalid);
}

TEST_F(ClipModelTest, RefusesAManifestThatDoesNotFitTheModule) {
  const auto folder = test::model_cases_folder() / "clip-with-other-manifest";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::filesystem::remove_all(folder);
    std::filesystem::copy(test::model_cases_folder() / "clip", folder);
    std::ifstream in(folder / "manifest.json");
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const std::size_t place = text.find(from);
    ASSERT_NE(place, std::string::npos);
    std::ofstream(folder / "manifest.json") << text.replace(place, from.size(), to);
    EXPECT_EQ(code_of([&] { on(device_, [&] { ClipModel::open(device_, folder); }); }), ErrorCode::kBundleInvalid) << to;
  };
  with("\"embedDim\": 32", "\"embedDim\": 48");
  with("\"layers\": 3", "\"layers\": 4");
  with("\"causal\"", "\"bidirectional\"");
}

TEST_F(ClipModelTest, ABidirectionalTowersFeaturesEqualThoseOfEachTextAlone) {
  for (const auto& [name, threads] : {std::pair("bidirectional", 1), {"bidirectional", 3}, {"bidirectional-without-start", 1}}) {
    device_ = Device::open("cpu", {.threads = threads});
    cases_.emplace(test::model_cases_folder() / (std::string(name) + ".tensors"));
    model_ = on(device_, [&] { return ClipModel::open(device_, test::model_cases_folder() / name); });
    texts_ = {cases_->ids("ids"), cases_->ids("offsets")};
    for (const int length : {0, 3, 30}) {
      const at::Tensor expected = cases_->at("text_features" + std::to_string(length));
      const std::vector<std::int32_t> prefix = cases_->ids("prefix" + std::to_string(length));
      const at::Tensor features = features_of(texts_, prefix);
      EXPECT_LT(largest_difference(features, expected), 1e-5) << name << ", prefix of " << length;
      EXPECT_TRUE(features[60].equal(features[5]) && features[62].equal(features[5]));

      const at::Tensor target = cases_->at("text_features0")[17];
      const at::Tensor similarities = expected.matmul(target);
      const PromptTree tree(model_, texts_);
      const StepResult winner = best(tree, prefix, target);
      EXPECT_NEAR(winner.similarity, similarities.max().item<float>(), 1e-5);
      EXPECT_NEAR(similarities[winner.index].item<float>(), similarities.max().item<float>(), 1e-5);
    }
  }
}

TEST_F(ClipModelTest, BestIsTheSameWithCandidatesKeptFromStepsBefore) {
  const PromptTree kept(model_, texts_);
  const at::Tensor target = cases_->at("image_features")[1];
  std::mt19937 random(5);
  StepOptions options;
  for (int step = 0; step < 40; ++step) {
    // Growing prompts, some so long that candidates are cut; now and then a chain that begins anew.
    if (step % 11 == 10) options.exclude.clear();
    const std::vector<std::int32_t> prefix(static_cast<std::size_t>(step * 2), 320 + step);
    options.reverse = step % 2;
    const StepResult ours = best(kept, prefix, target, options);
    const StepResult expected = best(PromptTree(model_, texts_), prefix, target, options);
    ASSERT_EQ(ours.index, expected.index) << "step " << step;
    ASSERT_NEAR(ours.similarity, expected.similarity, 1e-6);
    options.exclude.push_back(ours.index);
  }
}

TEST_F(ClipModelTest, MemoryIsFlatOverMixedShapes) {
  std::mt19937 random(11);
  const PromptTree tree(model_, texts_);
  const Features target = feature(cases_->at("image_features")[0]);
  const auto images = cases_->images();
  const auto calls = [&](int count) {
    for (int call = 0; call < count; ++call) {
      std::vector<std::size_t> some(1 + random() % 40);
      for (std::size_t& index : some) index = random() % texts_.count();
      features_of(chosen(some), cases_->ids("prefix" + std::to_string(random() % 2 * 5)));
      on(device_, [&] { test::best(tree, {320}, target, {}); });
      on(device_, [&] { test::image_features(model_, {images.begin(), images.begin() + 1 + random() % images.size()}); });
    }
  };
  calls(300);
  const double before = test::resident_memory();
  calls(700);
  EXPECT_LT(test::resident_memory(), before * 1.02 + 1);
}

}  // namespace
}  // namespace interrogator
