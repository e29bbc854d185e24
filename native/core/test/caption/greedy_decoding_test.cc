#include "caption/greedy_decoding.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "support/model_cases.h"
#include "ops/operators.h"

namespace interrogator {
namespace {

constexpr std::int64_t kMost = 40;

class GreedyDecodingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ops::register_operators();
    const std::filesystem::path folder = test::model_cases_folder() / "caption";
    manifest_ = open_caption_bundle(folder);
    vision_.emplace(Module::load(folder / manifest_->vision_file, cpu_, {"forward"}));
    decoder_.emplace(Module::load(folder / manifest_->decoder_file, cpu_, {"cross", "step", "step_each"}));
  }

  struct Decoded {
    std::vector<std::vector<std::int32_t>> captions;
    GuessCounts guesses;
    int passes = 0;
  };

  Decoded decode(const Module* guesser, const at::Tensor& pixels, std::int64_t max_tokens = kMost) const {
    const c10::InferenceMode inference;
    DecodeGraphs graphs(nullptr);
    GreedyDecoding decoding(*decoder_, guesser, *manifest_, graphs, max_tokens, vision_->call("forward", {pixels}));
    Decoded decoded;
    std::size_t ended = 0;
    for (; !decoding.done(); ++decoded.passes) ended += decoding.advance().size();
    EXPECT_EQ(ended, static_cast<std::size_t>(pixels.size(0)));
    for (std::int64_t i = 0; i < pixels.size(0); ++i) decoded.captions.push_back(decoding.take_caption(static_cast<std::size_t>(i)));
    decoded.guesses = decoding.guess_counts();
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

  /// A guesser that answers `id` and writes nonsense where the decoder's keys and values go.
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

TEST_F(GreedyDecodingTest, GuessesDoNotChangeACaption) {
  const std::optional<Module> rounded = decoder_->rounded("step");
  const Module nonsense = always(7), end = always(manifest_->eos_id);
  std::vector<const Module*> guessers{&*decoder_, &nonsense, &end};
  if (rounded) guessers.push_back(&*rounded);
  for (unsigned seed = 0; seed < 12; ++seed) {
    const at::Tensor image = images(1, seed);
    for (const std::int64_t max_tokens : {1, 2, 3, 7, 40}) {
      const Decoded plain = decode(nullptr, image, max_tokens);
      EXPECT_EQ(plain.guesses.guessed, 0);
      for (const Module* const guesser : guessers) {
        EXPECT_EQ(decode(guesser, image, max_tokens).captions, plain.captions) << "seed " << seed << ", most " << max_tokens;
      }
    }
  }
}

TEST_F(GreedyDecodingTest, RightGuessesAreAllKept) {
  const at::Tensor image = long_image();
  const Decoded plain = decode(nullptr, image), guessed = decode(&*decoder_, image);
  EXPECT_EQ(guessed.guesses.right, guessed.guesses.guessed);
  // Each token is guessed, but for the first and those that a check gives besides.
  EXPECT_GE(6 * guessed.guesses.right, 4 * static_cast<std::int64_t>(plain.captions[0].size()));
}

TEST_F(GreedyDecodingTest, WrongGuessesBecomeFew) {
  const Module nonsense = always(7);
  const at::Tensor image = long_image();
  const Decoded plain = decode(nullptr, image), guessed = decode(&nonsense, image);
  EXPECT_LE(guessed.guesses.right, std::count(plain.captions[0].begin(), plain.captions[0].end(), 7));
  // A guess and a check a token, after the first five.
  EXPECT_LE(guessed.passes, 2 * plain.passes + 5);
}

TEST_F(GreedyDecodingTest, GuessesOnceACaptionIsAlone) {
  int alone = 0, never_alone = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    const at::Tensor several = images(2, seed);
    const Decoded plain = decode(nullptr, several), guessed = decode(&*decoder_, several);
    EXPECT_EQ(guessed.captions, plain.captions);
    const auto [shorter, longer] = std::minmax({plain.captions[0].size(), plain.captions[1].size()});
    const auto lead = static_cast<std::int64_t>(longer - shorter);
    EXPECT_LE(guessed.guesses.guessed, lead);
    // A guess, and the token that its check gives besides.
    if (lead >= 2) EXPECT_GT(guessed.guesses.guessed, 0) << "seed " << seed;
    ++(lead >= 2 ? alone : never_alone);
  }
  EXPECT_GT(alone, 0);
  EXPECT_GT(never_alone, 0);
}

TEST_F(GreedyDecodingTest, ACaptionMayBeDroppedBetweenGuessAndCheck) {
  const c10::InferenceMode inference;
  DecodeGraphs graphs(nullptr);
  GreedyDecoding decoding(*decoder_, &*decoder_, *manifest_, graphs, kMost, vision_->call("forward", {long_image()}));
  decoding.advance();
  decoding.advance();
  ASSERT_FALSE(decoding.done());
  EXPECT_LT(decoding.take_caption(0).size(), 2u) << "one of the passes was a guess";
  decoding.drop(0);
  EXPECT_TRUE(decoding.done());
}

TEST_F(GreedyDecodingTest, RoundedWeightsGuessWell) {
  const std::optional<Module> rounded = decoder_->rounded("step");
  if (!rounded) GTEST_SKIP() << "nothing is packed here";
  GuessCounts all;
  for (unsigned seed = 0; seed < 12; ++seed) {
    const GuessCounts counts = decode(&*rounded, images(1, seed)).guesses;
    all.guessed += counts.guessed, all.right += counts.right;
  }
  EXPECT_GT(all.guessed, 0);
  EXPECT_GT(2 * all.right, all.guessed) << all.right << " of " << all.guessed;
}

}  // namespace
}  // namespace interrogator
