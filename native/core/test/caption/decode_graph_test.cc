#include "caption/decode_graph.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "device/transfer.h"
#include "support/model_cases.h"
#include "weights/bundle.h"
#include "weights/module.h"

namespace interrogator {
namespace {

constexpr std::int64_t kLayers = 2, kHeads = 3, kTokens = 4, kDim = 5, kVocabulary = 97;

/// What graphs do, on the CPU: the captured work runs when it is replayed, not before.
struct Counts {
  int captures = 0, replays = 0, kept = 0;
  bool fail_capture = false, fail_replay = false;
};

CapturePools counted(Counts& counts) {
  return [&counts] {
    return [&counts](const std::function<void()>& work) -> Replay {
      if (counts.fail_capture) throw std::runtime_error("capture fails");
      ++counts.captures;
      ++counts.kept;
      const std::shared_ptr<Counts> kept(&counts, [](Counts* of) { --of->kept; });
      return [kept, work] {
        if (kept->fail_replay) throw std::runtime_error("replay fails");
        ++kept->replays;
        work();
      };
    };
  };
}

/// A decoder that remembers: what it writes at a position shows in every later id.
at::Tensor toy_step(const at::Tensor& ids, std::int64_t position, const DecodeCaches& caches) {
  const std::int64_t count = ids.size(1), rows = ids.size(0);
  EXPECT_EQ(caches.keys.size(1), rows);
  const at::Tensor written = ids.to(at::kFloat).view({1, rows, 1, count, 1});
  caches.keys.narrow(3, position, count).copy_(written.expand({kLayers, rows, kHeads, count, kDim}));
  caches.values.narrow(3, position, count).copy_((written * 3).expand({kLayers, rows, kHeads, count, kDim}));
  const auto sum = [&](const at::Tensor& cache, std::int64_t length) { return cache.narrow(3, 0, length).sum({0, 2, 3, 4}); };
  const at::Tensor seen = sum(caches.keys, position + count) + sum(caches.values, position + count) * 2;
  const at::Tensor image = sum(caches.cross_keys, kTokens) + sum(caches.cross_values, kTokens) * 5;
  return (seen + image).to(at::kLong).remainder(kVocabulary);
}

struct Decoding {
  std::vector<std::vector<std::int64_t>> ids;  ///< of each step

  /// Decodes `steps` ids of each row; after `drop_at` only the rows in `kept` go on.
  Decoding(DecodeGraphs& graphs, std::int64_t rows, std::int64_t steps, unsigned seed, std::int64_t drop_at = -1) {
    at::manual_seed(seed);
    const auto cache = [&](std::int64_t length) { return at::randint(0, 9, {kLayers, rows, kHeads, length, kDim}, at::kFloat); };
    DecodeCaches caches{cache(steps + 2), cache(steps + 2), cache(kTokens), cache(kTokens)};
    at::Tensor next = at::randint(0, kVocabulary, {rows, 2}, at::kLong);
    GraphedDecoding graphed(graphs);
    graphed.adopt(caches, 0);
    std::int64_t position = 0;
    for (std::int64_t step = 0; step < steps; ++step) {
      const auto work = [position](const at::Tensor& given, const DecodeCaches& there) { return toy_step(given, position, there); };
      const at::Tensor made = graphed.step(next, position, caches, work).clone();
      EXPECT_EQ(made.size(0), next.size(0));
      ids.emplace_back(made.const_data_ptr<std::int64_t>(), made.const_data_ptr<std::int64_t>() + made.numel());
      position += next.size(1);
      next = made.unsqueeze(1);
      if (step != drop_at) continue;
      const at::Tensor kept = at::arange(0, next.size(0), 2, at::kLong);
      next = next.index_select(0, kept);
      for (at::Tensor* tensor : {&caches.keys, &caches.values, &caches.cross_keys, &caches.cross_values}) {
        *tensor = tensor->index_select(1, kept);
      }
      graphed.adopt(caches, position);
    }
  }
};

TEST(DecodeGraph, GivesTheIdsOfPlainSteps) {
  Counts counts;
  DecodeGraphs plain(nullptr), graphs(counted(counts));
  for (unsigned round = 0; round < 12; ++round) {
    const std::int64_t rows = 1 + round * 5 % 9, steps = 3 + round % 4, drop_at = round % 3 == 0 ? 1 : -1;
    EXPECT_EQ(Decoding(graphs, rows, steps, round, drop_at).ids, Decoding(plain, rows, steps, round, drop_at).ids) << rows << " rows";
  }
  EXPECT_GT(counts.captures, 0);
  EXPECT_GT(counts.replays, counts.captures);
}

TEST(DecodeGraph, CapturesOnTheSecondUseAndOnlyOnce) {
  Counts counts;
  DecodeGraphs graphs(counted(counts));
  Decoding(graphs, 3, 5, 1);
  EXPECT_EQ(counts.captures, 0);
  Decoding(graphs, 4, 5, 2);  // the same set: 4 rows
  EXPECT_EQ(counts.captures, 5);
  EXPECT_EQ(counts.replays, 5);
  Decoding(graphs, 3, 5, 3);
  EXPECT_EQ(counts.captures, 5);
  EXPECT_EQ(counts.replays, 10);
  EXPECT_EQ(counts.kept, 5);
}

TEST(DecodeGraph, RunsPlainlyForEverOnceACaptureOrAReplayFailed) {
  for (const bool in_capture : {true, false}) {
    Counts counts;
    DecodeGraphs plain(nullptr), graphs(counted(counts));
    Decoding(graphs, 2, 4, 1);
    (in_capture ? counts.fail_capture : counts.fail_replay) = true;
    EXPECT_EQ(Decoding(graphs, 2, 4, 2).ids, Decoding(plain, 2, 4, 2).ids);
    EXPECT_FALSE(graphs.possible());
    counts.fail_capture = counts.fail_replay = false;
    EXPECT_EQ(Decoding(graphs, 2, 4, 3).ids, Decoding(plain, 2, 4, 3).ids);
    EXPECT_LE(counts.captures, 1);
    EXPECT_EQ(counts.replays, 0);
  }
}

TEST(DecodeGraph, AFailureOfTheStepItselfIsTheCallers) {
  Counts counts;
  DecodeGraphs graphs(counted(counts));
  GraphedDecoding graphed(graphs);
  const auto cache = [&](std::int64_t length) { return at::zeros({kLayers, 1, kHeads, length, kDim}); };
  DecodeCaches caches{cache(4), cache(4), cache(kTokens), cache(kTokens)};
  graphed.adopt(caches, 0);
  const auto failing = [](const at::Tensor&, const DecodeCaches&) -> at::Tensor { throw std::invalid_argument("the model is wrong"); };
  EXPECT_THROW(graphed.step(at::zeros({1, 1}, at::kLong), 0, caches, failing), std::invalid_argument);
}

TEST(DecodeGraph, DecodingsThatInterleaveDoNotShareASet) {
  Counts counts;
  DecodeGraphs graphs(counted(counts));
  const auto make = [](float value) {
    const auto cache = [&](std::int64_t length) { return at::full({kLayers, 2, kHeads, length, kDim}, value); };
    return DecodeCaches{cache(4), cache(4), cache(kTokens), cache(kTokens)};
  };
  DecodeCaches first = make(1), second = make(2);
  GraphedDecoding one(graphs);
  one.adopt(first, 0);
  {
    GraphedDecoding two(graphs);
    two.adopt(second, 0);
    EXPECT_NE(first.cross_keys.data_ptr(), second.cross_keys.data_ptr());
    EXPECT_EQ(first.cross_keys.sum().item<float>(), static_cast<float>(first.cross_keys.numel()));
  }
  GraphedDecoding three(graphs);
  DecodeCaches third = make(3);
  three.adopt(third, 0);
  EXPECT_EQ(first.cross_keys.max().item<float>(), 1);
}

TEST(DecodeGraph, ForgetsWhatWasCapturedEvenWhileDecoding) {
  Counts counts;
  DecodeGraphs graphs(counted(counts));
  Decoding(graphs, 2, 4, 1), Decoding(graphs, 2, 4, 2);
  EXPECT_EQ(counts.kept, 4);
  const auto cache = [&](std::int64_t length) { return at::zeros({kLayers, 2, kHeads, length, kDim}); };
  DecodeCaches caches{cache(6), cache(6), cache(kTokens), cache(kTokens)};
  GraphedDecoding graphed(graphs);
  graphed.adopt(caches, 0);
  graphs.clear();
  EXPECT_EQ(counts.kept, 0);
  const auto work = [](const at::Tensor& given, const DecodeCaches& there) { return toy_step(given, 0, there); };
  const int replays = counts.replays;
  graphed.step(at::zeros({2, 2}, at::kLong), 0, caches, work);
  EXPECT_EQ(counts.replays, replays) << "the first use after clear() is plain again";
}

TEST(DecodeGraph, KeepsFewSetsAndNoneForManyRows) {
  Counts counts;
  DecodeGraphs graphs(counted(counts));
  for (int round = 0; round < 2; ++round) Decoding(graphs, 65, 3, 1);
  EXPECT_EQ(counts.captures, 0);
  for (const std::int64_t rows : {1, 2, 4, 8, 16}) Decoding(graphs, rows, 3, 1), Decoding(graphs, rows, 3, 1);
  EXPECT_EQ(counts.captures, 15);
  EXPECT_EQ(counts.kept, 12) << "the set of one row made room";
}

TEST(DecodeGraph, GivesACaptionersIds) {
  const auto folder = test::model_cases_folder() / "caption";
  const CaptionManifest manifest = Bundle::open(folder)->manifest().caption();
  const c10::Device cpu(c10::kCPU);
  const Module vision = Module::load(folder / manifest.vision_file, cpu, {"forward"});
  const Module decoder = Module::load(folder / manifest.decoder_file, cpu, {"cross", "step"});
  const auto decode = [&](DecodeGraphs& graphs, std::int64_t rows, unsigned seed) {
    const c10::InferenceMode inference;
    at::manual_seed(seed);
    const at::Tensor image = vision.call("forward", {at::randn({rows, 3, manifest.image.height, manifest.image.width})});
    auto crossed = decoder.call_tuple("cross", {image}, 2);
    const at::Tensor empty = at::zeros({manifest.layers, rows, manifest.heads, 10, manifest.head_dim});
    DecodeCaches caches{empty, empty.clone(), crossed[0], crossed[1]};
    at::Tensor ids = at::tensor(manifest.prompt_ids).unsqueeze(0).repeat({rows, 1});
    GraphedDecoding graphed(graphs);
    graphed.adopt(caches, 0);
    std::vector<at::Tensor> all;
    for (std::int64_t position = 0; position + ids.size(1) <= 10; position += all.back().size(1)) {
      const auto work = [&decoder, position](const at::Tensor& given, const DecodeCaches& there) {
        return decoder.call("step", {given, position, there.keys, there.values, there.cross_keys, there.cross_values}).argmax(1);
      };
      all.push_back(ids);
      ids = graphed.step(ids, position, caches, work).clone().unsqueeze(1);
    }
    all.push_back(ids);
    return at::cat(all, 1);
  };
  Counts counts;
  DecodeGraphs plain(nullptr), graphs(counted(counts));
  for (unsigned round = 0; round < 4; ++round) {
    EXPECT_TRUE(at::equal(decode(graphs, 3 + round % 2, round), decode(plain, 3 + round % 2, round))) << "round " << round;
  }
  EXPECT_GT(counts.replays, 2 * counts.captures);
}

TEST(DecodeGraph, ThereAreNoneForTheCpu) { EXPECT_EQ(device_graphs(c10::Device(c10::kCPU)), nullptr); }

}  // namespace
}  // namespace interrogator
