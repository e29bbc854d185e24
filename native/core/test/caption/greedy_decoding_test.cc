#include "caption/greedy_decoding.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "ops/operators.h"
#include "ops/packed_weights.h"
#include "support/model_cases.h"
#include "weights/bundle.h"

namespace interrogator {
namespace {

constexpr std::int64_t kMost = 40;

class GreedyDecodingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ops::register_operators();
    const std::filesystem::path folder = test::model_cases_folder() / "caption";
    manifest_ = Bundle::open(folder)->manifest().caption();
    vision_.emplace(Module::load(folder / manifest_->vision_file, cpu_, {"forward"}));
    decoder_.emplace(Module::load(folder / manifest_->decoder_file, cpu_, {"cross", "step", "step_each"}));
  }

  struct Decoded {
    std::vector<std::vector<std::int32_t>> captions;
    DraftCounts drafts;
    int passes = 0;
  };

  Decoded decode(const Module* drafter, const at::Tensor& pixels, std::int64_t max_tokens = kMost) const {
    const c10::InferenceMode inference;
    DecodeGraphs graphs(nullptr);
    GreedyDecoding decoding(*decoder_, drafter, *manifest_, graphs, {.max_tokens = max_tokens}, vision_->call("forward", {pixels}));
    Decoded decoded;
    std::size_t ended = 0;
    for (; !decoding.done(); ++decoded.passes) ended += decoding.advance().size();
    EXPECT_EQ(ended, static_cast<std::size_t>(pixels.size(0)));
    for (std::int64_t i = 0; i < pixels.size(0); ++i) decoded.captions.push_back(decoding.take_caption(static_cast<std::size_t>(i)));
    decoded.drafts = decoding.draft_counts();
    return decoded;
  }

  at::Tensor images(std::int64_t count, unsigned seed) const {
    at::manual_seed(seed);
    return at::randn({count, 3, manifest_->image.height, manifest_->image.width}) * 3;
  }

  /// Whose caption has 8 tokens or more.
  at::Tensor long_image() const {
    for (unsigned seed = 0; seed < 100; ++seed) {
      if (decode(nullptr, images(1, seed)).captions[0].size() >= 8) return images(1, seed);
    }
    throw std::runtime_error("all captions are short");
  }

  /// A drafter that answers `id` and writes nonsense where the decoder's keys and values go.
  Module always(std::int64_t id) const {
    torch::jit::Module module("Always");
    module.register_attribute("id", c10::IntType::get(), id);
    module.register_attribute("size", c10::IntType::get(), manifest_->vocab_size);
    module.define(R"(
def step(self, ids, position: int, keys, values, cross_keys, cross_values):
  keys[:, :, :, position] = 1e30
  values[:, :, :, position] = 1e30
  logits = torch.zeros([1, self.size])
  logits[:, self.id] = 1
  return logits
)");
    const std::filesystem::path file = test::model_cases_folder() / ("always" + std::to_string(id) + ".pt");
    module.save(file.string());
    return Module::load(file, cpu_, {"step"});
  }

  const c10::Device cpu_{c10::kCPU};
  std::optional<CaptionManifest> manifest_;
  std::optional<Module> vision_, decoder_;
};

TEST_F(GreedyDecodingTest, DraftsDoNotChangeACaption) {
  const std::optional<Module> quantized = decoder_->quantized("step");
  const Module nonsense = always(7), end = always(manifest_->eos_id);
  std::vector<const Module*> drafters{&*decoder_, &nonsense, &end};
  if (quantized) drafters.push_back(&*quantized);
  for (unsigned seed = 0; seed < 12; ++seed) {
    const at::Tensor image = images(1, seed);
    for (const std::int64_t max_tokens : {1, 2, 3, 7, 40}) {
      const Decoded plain = decode(nullptr, image, max_tokens);
      EXPECT_EQ(plain.drafts.drafted, 0);
      for (const Module* const drafter : drafters) {
        EXPECT_EQ(decode(drafter, image, max_tokens).captions, plain.captions) << "seed " << seed << ", most " << max_tokens;
      }
    }
  }
}

TEST_F(GreedyDecodingTest, RightDraftsAreAllKept) {
  const at::Tensor image = long_image();
  const Decoded plain = decode(nullptr, image), drafted = decode(&*decoder_, image);
  EXPECT_EQ(drafted.drafts.accepted, drafted.drafts.drafted);
  // Each token is drafted but the first, and those that a verification adds.
  EXPECT_GE(6 * drafted.drafts.accepted, 4 * static_cast<std::int64_t>(plain.captions[0].size()));
}

TEST_F(GreedyDecodingTest, WrongDraftsBecomeFew) {
  const Module nonsense = always(7);
  const at::Tensor image = long_image();
  const Decoded plain = decode(nullptr, image), drafted = decode(&nonsense, image);
  EXPECT_LE(drafted.drafts.accepted, std::count(plain.captions[0].begin(), plain.captions[0].end(), 7));
  // A draft and a verification for each token, after the first five.
  EXPECT_LE(drafted.passes, 2 * plain.passes + 5);
}

TEST_F(GreedyDecodingTest, DraftsOnceACaptionIsAlone) {
  int alone = 0, never_alone = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const at::Tensor several = images(2, seed);
    const Decoded plain = decode(nullptr, several), drafted = decode(&*decoder_, several);
    EXPECT_EQ(drafted.captions, plain.captions);
    const auto [shorter, longer] = std::minmax({plain.captions[0].size(), plain.captions[1].size()});
    const auto lead = static_cast<std::int64_t>(longer - shorter);
    EXPECT_LE(drafted.drafts.drafted, lead);
    // A draft, and the token that its verification adds.
    if (lead >= 2) EXPECT_GT(drafted.drafts.drafted, 0) << "seed " << seed;
    ++(lead >= 2 ? alone : never_alone);
  }
  EXPECT_GT(alone, 0);
  EXPECT_GT(never_alone, 0);
}

TEST_F(GreedyDecodingTest, ACaptionMayBeDroppedBetweenDraftAndVerification) {
  const c10::InferenceMode inference;
  DecodeGraphs graphs(nullptr);
  GreedyDecoding decoding(*decoder_, &*decoder_, *manifest_, graphs, {.max_tokens = kMost}, vision_->call("forward", {long_image()}));
  decoding.advance();
  decoding.advance();
  ASSERT_FALSE(decoding.done());
  EXPECT_LT(decoding.take_caption(0).size(), 2u) << "one of the passes was a draft";
  decoding.drop(0);
  EXPECT_TRUE(decoding.done());
}

TEST_F(GreedyDecodingTest, QuantizedWeightsDraftWell) {
  const std::optional<Module> quantized = decoder_->quantized("step");
  if (!quantized) GTEST_SKIP() << "nothing is packed here";
  DraftCounts all;
  for (unsigned seed = 0; seed < 12; ++seed) {
    const DraftCounts counts = decode(&*quantized, images(1, seed)).drafts;
    all.drafted += counts.drafted, all.accepted += counts.accepted;
  }
  EXPECT_GT(all.drafted, 0);
  EXPECT_GT(2 * all.accepted, all.drafted) << all.accepted << " of " << all.drafted;
}

TEST_F(GreedyDecodingTest, LogitsAreTheSameToTheLastBitInABatchAloneAndInAVerification) {
  if (!ops::packing_pays()) GTEST_SKIP() << "linear layers are libtorch's here";
  const c10::InferenceMode inference;
  const at::Tensor pixels = images(3, 5);
  ASSERT_TRUE(decoder_->is_independent({"cross", "step", "step_each"}));
  const at::Tensor ids = at::randint(0, manifest_->vocab_size, {3, 6}, at::kLong);
  const DecodingStart all = start_decoding(*decoder_, *manifest_, {.max_tokens = 8}, vision_->call("forward", {pixels}));
  std::vector<at::Tensor> together;
  for (std::int64_t i = 0; i < 6; ++i) together.push_back(last_logits(*decoder_, *manifest_, ids.narrow(1, i, 1), i, all.caches));
  for (std::int64_t image = 0; image < 3; ++image) {
    const at::Tensor embeds = vision_->call("forward", {pixels.narrow(0, image, 1)}), own = ids.narrow(0, image, 1);
    const DecodeCaches alone = start_decoding(*decoder_, *manifest_, {.max_tokens = 8}, embeds).caches;
    const DecodeCaches verified = start_decoding(*decoder_, *manifest_, {.max_tokens = 8}, embeds).caches;
    const at::Tensor each =
        decoder_->call("step_each", {own, 0, verified.keys, verified.values, verified.cross_keys, verified.cross_values});
    for (std::int64_t i = 0; i < 6; ++i) {
      const at::Tensor step = last_logits(*decoder_, *manifest_, own.narrow(1, i, 1), i, alone)[0];
      EXPECT_TRUE(at::equal(step, together[static_cast<std::size_t>(i)][image])) << image << ", token " << i;
      EXPECT_TRUE(at::equal(step, each[0][i])) << image << ", token " << i;
    }
  }
}

}  // namespace
}  // namespace interrogator
