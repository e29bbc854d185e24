#include "ops/cosine_top_k.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <tuple>

#include "support/simd_sets.h"

namespace interrogator::ops {
namespace {

/// Labels and features with values that are multiples of 1/8: every dot product is exact, so that all
/// kernels agree to the bit and ties are real ties.
struct Case {
  Case(std::int64_t rows, std::int64_t dim, std::int64_t batch, unsigned seed) {
    at::manual_seed(seed);
    labels = (at::randint(-16, 17, {rows, dim}, at::kFloat) / 8).to(at::kHalf);
    features = at::randint(-16, 17, {batch, dim}, at::kFloat) / 8;
  }

  /// The labels cut into matrices of these sizes.
  std::vector<at::Tensor> cut(const std::vector<std::int64_t>& sizes) const { return at::split_with_sizes(labels, sizes); }

  TopK rank(const TopKOptions& options, SimdSet set = best_simd_set()) const { return ops::rank({labels}, features, options, set); }

  std::vector<float> similarities(std::int64_t b) const {
    const at::Tensor all = at::matmul(labels.to(at::kFloat), features[b]);
    return {all.const_data_ptr<float>(), all.const_data_ptr<float>() + all.numel()};
  }

  at::Tensor labels, features;
};

/// Among `candidates`, in their order: a full, stable sort.
std::vector<std::int32_t> sorted(std::vector<std::int32_t> candidates, const std::vector<float>& similarities, bool reverse) {
  std::stable_sort(candidates.begin(), candidates.end(), [&](std::int32_t a, std::int32_t b) {
    const float left = similarities[static_cast<std::size_t>(a)], right = similarities[static_cast<std::size_t>(b)];
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left);
    return reverse ? left < right : left > right;
  });
  return candidates;
}

std::vector<std::int32_t> first(std::vector<std::int32_t> all, std::int64_t count) {
  all.resize(std::min(all.size(), static_cast<std::size_t>(count)));
  return all;
}

std::vector<std::int32_t> range(std::int64_t begin, std::int64_t end) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(end - begin));
  std::iota(all.begin(), all.end(), static_cast<std::int32_t>(begin));
  return all;
}

std::vector<std::int32_t> indices_of(const TopK& result, std::int64_t b) {
  const auto start = result.indices.begin() + b * result.k;
  return {start, start + result.k};
}

class Threads {
 public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  const int before_;
};

TEST(CosineTopK, IsTheSameOnAnyNumberOfThreads) {
  for (const std::int64_t rows : {1, 127, 129, 3000, 20000}) {
    const Case given(rows, 24, 3, static_cast<unsigned>(rows));
    std::vector<std::vector<std::int32_t>> answers;
    for (const std::int64_t k : {1, 32, 200, 3000}) {
      answers.clear();
      for (const int count : {1, 2, 3, 8}) {
        const Threads threads(count);
        answers.push_back(given.rank({.k = k}).indices);
      }
      const std::vector<std::int32_t> expected = first(sorted(range(0, rows), given.similarities(0), false), k);
      EXPECT_EQ(std::vector(answers[0].begin(), answers[0].begin() + static_cast<std::ptrdiff_t>(expected.size())), expected);
      for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]) << rows << " rows, k " << k;
    }
  }
}

TEST(CosineTopK, EqualsAFullSortOnRandomSizes) {
  std::mt19937 random(3);
  for (unsigned round = 0; round < 60; ++round) {
    const std::int64_t rows = 1 + random() % (round % 5 == 0 ? 9000 : 300), dim = 1 + random() % 100, batch = 1 + random() % 70;
    const std::int64_t k = 1 + random() % (round % 3 == 0 ? 400 : 12);
    const bool reverse = random() % 2;
    const Case given(rows, dim, batch, round);
    const std::int64_t cut = random() % (rows + 1);
    for (const SimdSet set : simd_sets_here()) {
      const TopK result = rank(given.cut({cut, 0, rows - cut}), given.features, {.k = k, .reverse = reverse}, set);
      ASSERT_EQ(result.rows, batch);
      ASSERT_EQ(result.k, std::min(k, rows));
      for (std::int64_t b = 0; b < batch; ++b) {
        const std::vector<float> similarities = given.similarities(b);
        const std::vector<std::int32_t> indices = indices_of(result, b);
        ASSERT_EQ(indices, first(sorted(range(0, rows), similarities, reverse), k)) << rows << " rows, dim " << dim << ", k " << k;
        for (std::size_t i = 0; i < indices.size(); ++i) {
          ASSERT_EQ(result.similarities[static_cast<std::size_t>(b * result.k) + i], similarities[static_cast<std::size_t>(indices[i])]);
        }
      }
    }
  }
}

TEST(CosineTopK, KernelsAgreeOnRealFeatures) {
  at::manual_seed(11);
  const auto unit = [](at::Tensor values) { return values / values.norm(2, 1, true); };
  Case given(1, 1, 1, 0);
  for (const std::int64_t dim : {1, 7, 8, 31, 32, 33, 512, 768}) {
    given.labels = unit(at::randn({500, dim})).to(at::kHalf);
    given.features = unit(at::randn({5, dim}));
    for (const SimdSet set : simd_sets_here()) {
      const TopK result = given.rank({.k = 500}, set);
      for (std::int64_t b = 0; b < 5; ++b) {
        const std::vector<float> similarities = given.similarities(b);
        const std::vector<std::int32_t> indices = indices_of(result, b);
        for (std::size_t i = 0; i < indices.size(); ++i) {
          ASSERT_NEAR(result.similarities[static_cast<std::size_t>(b * 500) + i], similarities[static_cast<std::size_t>(indices[i])], 1e-6);
        }
      }
    }
  }
}

TEST(CosineTopK, AFeaturesAnswerIsTheSameToTheLastBitInAnyBatch) {
  at::manual_seed(12);
  Case given(3000, 72, 9, 0);
  given.labels = at::randn({3000, 72}).to(at::kHalf);
  given.features = at::randn({9, 72});
  for (const std::int64_t k : {20, 700}) {
    const TopK together = given.rank({.k = k});
    for (std::int64_t b = 0; b < 9; ++b) {
      const TopK result = rank({given.labels}, given.features.narrow(0, b, 1), {.k = k});
      ASSERT_EQ(result.indices, indices_of(together, b));
      ASSERT_EQ(result.similarities,
                std::vector<float>(together.similarities.begin() + b * k, together.similarities.begin() + (b + 1) * k));
    }
  }
}

TEST(CosineTopK, GivesTheLowestIndexAmongEquals) {
  Case given(5000, 16, 1, 1);
  given.labels.fill_(0.25);
  for (const bool reverse : {false, true}) {
    EXPECT_EQ(given.rank({.k = 7, .reverse = reverse}).indices, range(0, 7));
  }
}

TEST(CosineTopK, PutsWhatIsNoNumberLast) {
  Case given(40, 16, 1, 2);
  given.labels[0].fill_(std::numeric_limits<float>::quiet_NaN());
  given.labels[17].fill_(std::numeric_limits<float>::quiet_NaN());
  for (const bool reverse : {false, true}) {
    const TopK all = given.rank({.k = 40, .reverse = reverse});
    EXPECT_EQ(std::vector<std::int32_t>(all.indices.end() - 2, all.indices.end()), (std::vector<std::int32_t>{0, 17}));
    EXPECT_TRUE(std::isnan(all.similarities.back()));
    for (const float similarity : given.rank({.k = 38, .reverse = reverse}).similarities) EXPECT_FALSE(std::isnan(similarity));
  }
}

TEST(CosineTopK, RanksNothingAmongNoLabels) {
  const Case given(0, 16, 3, 4);
  const TopK result = given.rank({.k = 5});
  EXPECT_EQ(result.rows, 3);
  EXPECT_EQ(result.k, 0);
  EXPECT_TRUE(result.indices.empty());
  EXPECT_EQ(rank({}, given.features, {.k = 5, .chunk_size = 2}).k, 0);
}

TEST(CosineTopK, GivesTheSameBitsInAnyCompany) {
  for (const std::int64_t dim : {5, 8, 48, 100, 512, 771}) {
    Case given(40, dim, 8, 7);
    // Not multiples of 1/8: the order of additions shows in the last bits.
    given.labels = at::randn({40, dim}).to(at::kHalf);
    given.features = at::randn({8, dim});
    for (const SimdSet set : simd_sets_here()) {
      for (std::int64_t b = 0; b < 8; ++b) {
        const TopK expected = rank({given.labels}, given.features.narrow(0, b, 1), {.k = 40}, set);
        for (std::int64_t count = 1; b + count <= 8; ++count) {
          const TopK together = rank({given.labels}, given.features.narrow(0, b, count), {.k = 40}, set);
          ASSERT_TRUE(std::equal(expected.similarities.begin(), expected.similarities.end(), together.similarities.begin()));
          ASSERT_TRUE(std::equal(expected.indices.begin(), expected.indices.end(), together.indices.begin()));
        }
      }
    }
  }
}

/// clip-interrogator's ranking as its description in label_matrix.h says it, step by step.
std::vector<std::int32_t> quota_reference(const std::vector<float>& similarities, const TopKOptions& options) {
  const auto rows = static_cast<std::int64_t>(similarities.size());
  if (rows <= options.chunk_size) return first(sorted(range(0, rows), similarities, options.reverse), options.k);
  const std::int64_t chunks = (rows + options.chunk_size - 1) / options.chunk_size, keep = options.chunk_size / chunks;
  std::vector<std::int32_t> kept;
  for (std::int64_t start = 0; start < rows; start += options.chunk_size) {
    const auto best = first(sorted(range(start, std::min(start + options.chunk_size, rows)), similarities, options.reverse), keep);
    kept.insert(kept.end(), best.begin(), best.end());
  }
  std::sort(kept.begin(), kept.end());  // equals by lowest index
  return first(sorted(kept, similarities, options.reverse && options.corrected), options.k);
}

TEST(Rank, KeepsTheQuotaOfEachChunk) {
  std::mt19937 random(5);
  for (unsigned round = 0; round < 80; ++round) {
    TopKOptions options;
    options.chunk_size = 16 + random() % 50;
    options.k = 1 + random() % 80;
    options.reverse = random() % 2;
    options.corrected = random() % 2;
    const std::int64_t rows = 1 + random() % 700;
    if ((rows + options.chunk_size - 1) / options.chunk_size > options.chunk_size) continue;
    const Case given(rows, 24, 2, round);
    for (const SimdSet set : simd_sets_here()) {
      const TopK result = rank(given.cut({rows / 3, rows - rows / 3}), given.features, options, set);
      for (std::int64_t b = 0; b < 2; ++b)
        ASSERT_EQ(indices_of(result, b), quota_reference(given.similarities(b), options)) << rows << " rows";
    }
  }
}

TEST(Rank, KeepsTheQuotaOfChunksThatSeveralThreadsShare) {
  const Case given(20'000, 8, 3, 11);
  for (const std::int64_t chunk_size : {4097, 9000, 19'999}) {
    for (const int count : {1, 3, 8}) {
      const Threads threads(count);
      const TopKOptions options{.k = 6000, .reverse = true, .chunk_size = chunk_size, .corrected = count == 3};
      const TopK result = given.rank(options);
      for (std::int64_t b = 0; b < 3; ++b) {
        ASSERT_EQ(indices_of(result, b), quota_reference(given.similarities(b), options)) << "chunks of " << chunk_size;
      }
    }
  }
}

TEST(Rank, KeepsOneOfEachChunkWhereTheQuotaWouldBeNone) {
  const Case given(50, 8, 1, 9);
  EXPECT_EQ(given.rank({.k = 100, .chunk_size = 4}).k, 13);
}

}  // namespace
}  // namespace interrogator::ops
