#include "ops/cuda/cosine_top_k.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "ops/cosine_top_k.h"
#include "support/cuda_place.h"

namespace interrogator::ops {
namespace {

/// Labels and features with values that are multiples of 1/8: every dot product is exact, so that all agree to the bit and
/// ties are real ties.
struct Case {
  Case(std::int64_t rows, std::int64_t dim, std::int64_t batch, unsigned seed) {
    at::manual_seed(seed);
    labels = (at::randint(-16, 17, {rows, dim}, at::kFloat) / 8).to(at::kHalf);
    features = at::randint(-16, 17, {batch, dim}, at::kFloat) / 8;
  }

  TopK run(const test::Place& place, const TopKOptions& options, const std::vector<std::int64_t>& sizes) const {
    std::vector<at::Tensor> matrices;
    std::int64_t first = 0;
    for (const std::int64_t size : sizes) {
      matrices.push_back(labels.narrow(0, first, size).clone().to(place.device));
      first += size;
    }
    return rank_cuda(matrices, features.to(place.device), options, place.kernels);
  }
  TopK run(const test::Place& place, const TopKOptions& options) const { return run(place, options, {labels.size(0)}); }

  TopK on_cpu(const TopKOptions& options) const { return rank({labels}, features, options); }

  at::Tensor labels, features;
};

void expect_equal(const TopK& result, const TopK& expected) {
  EXPECT_EQ(result.rows, expected.rows);
  ASSERT_EQ(result.k, expected.k);
  ASSERT_EQ(result.indices, expected.indices);
  ASSERT_EQ(result.similarities.size(), expected.similarities.size());
  for (std::size_t i = 0; i < expected.similarities.size(); ++i) {
    const float left = result.similarities[i], right = expected.similarities[i];
    ASSERT_TRUE(left == right || (std::isnan(left) && std::isnan(right))) << left << " and " << right;
  }
}

class CosineTopKCuda : public test::CudaPlaceTest {};

TEST_P(CosineTopKCuda, EqualsTheOperatorOfTheCpuOnRandomSizes) {
  std::mt19937 random(3);
  for (unsigned round = 0; round < 60; ++round) {
    const std::int64_t rows = 1 + random() % (round % 6 == 0 ? 9000 : 300), dim = 1 + random() % 100;
    const std::int64_t batch = round % 6 == 0 ? 1 + random() % 3 : 1 + random() % 66;
    TopKOptions options;
    options.k = 1 + random() % (round % 3 == 0 ? 400 : 12);
    options.reverse = random() % 2;
    const Case given(rows, dim, batch, round);
    const std::int64_t cut = random() % (rows + 1);
    SCOPED_TRACE(std::to_string(rows) + " rows, dim " + std::to_string(dim) + ", batch " + std::to_string(batch) + ", k " +
                 std::to_string(options.k));
    expect_equal(given.run(place_, options, {cut, 0, rows - cut}), given.on_cpu(options));
    if (HasFatalFailure()) return;
  }
}

TEST_P(CosineTopKCuda, KeepsTheQuotaOfEachChunk) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < 60; ++round) {
    TopKOptions options;
    options.chunk_size = 1 + random() % 60;
    options.k = 1 + random() % 80;
    options.reverse = random() % 2;
    options.corrected = random() % 2;
    const std::int64_t rows = 1 + random() % 700;
    const Case given(rows, 24, 1 + random() % 3, round);
    SCOPED_TRACE(std::to_string(rows) + " rows, chunks of " + std::to_string(options.chunk_size) + ", k " + std::to_string(options.k));
    expect_equal(given.run(place_, options, {rows / 3, rows - rows / 3}), given.on_cpu(options));
    if (HasFatalFailure()) return;
  }
}

TEST_P(CosineTopKCuda, RanksAsClipInterrogatorDoes) {
  const Case given(12000, 16, 2, 6);
  for (const bool reverse : {false, true}) {
    expect_equal(given.run(place_, {.k = 2048, .reverse = reverse, .chunk_size = 2048}),
                 given.on_cpu({.k = 2048, .reverse = reverse, .chunk_size = 2048}));
  }
}

TEST_P(CosineTopKCuda, TakesKAndChunksBeyondABlock) {
  const Case given(5003, 8, 2, 7);
  for (const std::int64_t k : {1025, 2048, 2049, 5003, 20000}) {
    SCOPED_TRACE(k);
    expect_equal(given.run(place_, {.k = k}), given.on_cpu({.k = k}));
  }
  for (const std::int64_t chunk : {4095, 4096, 4097, 5002, 5003}) {
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(chunk);
      const TopKOptions options{.k = 3000, .reverse = reverse, .chunk_size = chunk, .corrected = true};
      expect_equal(given.run(place_, options), given.on_cpu(options));
    }
  }
}

TEST_P(CosineTopKCuda, GivesTheLowestIndexAmongEquals) {
  Case given(9000, 16, 1, 1);
  given.labels.fill_(0.25);
  for (const bool reverse : {false, true}) {
    expect_equal(given.run(place_, {.k = 7, .reverse = reverse}), given.on_cpu({.k = 7, .reverse = reverse}));
    EXPECT_EQ(given.run(place_, {.k = 3, .reverse = reverse}).indices, (std::vector<std::int32_t>{0, 1, 2}));
  }
}

TEST_P(CosineTopKCuda, NothingAndMinusNothingAreEqual) {
  Case given(6, 8, 1, 1);
  given.labels.fill_(0);
  given.labels[2].fill_(-0.0);
  given.features.fill_(1);
  for (const bool reverse : {false, true}) {
    EXPECT_EQ(given.run(place_, {.k = 6, .reverse = reverse}).indices, (std::vector<std::int32_t>{0, 1, 2, 3, 4, 5}));
  }
}

TEST_P(CosineTopKCuda, PutsWhatIsNoNumberLast) {
  Case given(40, 16, 1, 2);
  given.labels[0].fill_(std::numeric_limits<float>::quiet_NaN());
  given.labels[17].fill_(std::numeric_limits<float>::quiet_NaN());
  for (const bool reverse : {false, true}) {
    expect_equal(given.run(place_, {.k = 40, .reverse = reverse}), given.on_cpu({.k = 40, .reverse = reverse}));
    expect_equal(given.run(place_, {.k = 40, .reverse = reverse, .chunk_size = 7}),
                 given.on_cpu({.k = 40, .reverse = reverse, .chunk_size = 7}));
  }
}

TEST_P(CosineTopKCuda, RanksNothingAmongNoLabels) {
  const Case given(0, 16, 3, 4);
  const TopK result = given.run(place_, {.k = 5});
  EXPECT_EQ(result.rows, 3);
  EXPECT_EQ(result.k, 0);
  EXPECT_TRUE(result.indices.empty());
  EXPECT_EQ(rank_cuda({}, given.features, {.k = 5, .chunk_size = 2}, place_.kernels).k, 0);
  EXPECT_EQ(Case(4, 16, 0, 4).run(place_, {.k = 5}).rows, 0);
}

TEST_P(CosineTopKCuda, SimilaritiesOfRealFeaturesAreNear) {
  at::manual_seed(11);
  const auto unit = [](const at::Tensor& values) { return values / values.norm(2, 1, true); };
  Case given(1, 1, 1, 0);
  for (const std::int64_t dim : {1, 7, 8, 32, 33, 255, 256, 257, 512, 768, 1024, 1600}) {
    for (const std::int64_t batch : {1, 2, 3, 5, 8, 9}) {
      given.labels = unit(at::randn({70, dim})).to(at::kHalf);
      given.features = unit(at::randn({batch, dim}));
      const TopK result = given.run(place_, {.k = 70});
      const at::Tensor all = at::matmul(given.features, given.labels.to(at::kFloat).t());
      for (std::size_t i = 0; i < result.indices.size(); ++i) {
        ASSERT_NEAR(result.similarities[i], all[static_cast<std::int64_t>(i) / 70][result.indices[i]].item<float>(), 2e-6) << dim;
      }
    }
  }
}

TEST_P(CosineTopKCuda, TakesDimensionsThatTheKernelsDoNot) {
  const Case given(5, 13000, 1, 12);
  EXPECT_EQ(given.run(place_, {.k = 5}).indices, given.on_cpu({.k = 5}).indices);
}

INSTANTIATE_TEST_SUITE_P(Places, CosineTopKCuda, test::everywhere(), test::name_of);

}  // namespace
}  // namespace interrogator::ops
