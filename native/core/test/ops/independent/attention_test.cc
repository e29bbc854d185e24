#include "ops/independent/attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/simd_sets.h"

namespace interrogator::ops {
namespace {

at::Tensor in_float64(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias, double scale) {
  at::Tensor scores = at::matmul(q.to(at::kDouble), k.to(at::kDouble).transpose(-2, -1)) * scale;
  if (bias.defined()) scores = scores + bias.to(at::kDouble);
  return at::matmul(scores.softmax(-1), v.to(at::kDouble));
}

/// Queries, keys and values as a fused layer gives them: [3, B, heads, T, d], not contiguous.
at::Tensor fused(std::int64_t batch, std::int64_t tokens, std::int64_t heads, std::int64_t dim) {
  return at::randn({batch, tokens, 3, heads, dim}).permute({2, 0, 3, 1, 4});
}

at::Tensor bias_of(const at::Tensor& seen) {
  return at::zeros(seen.sizes()).masked_fill(seen.logical_not(), -std::numeric_limits<float>::infinity());
}

TEST(Attention, EqualsItsDefinitionInFloat64) {
  at::manual_seed(1);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t tokens : {1, 5, 8, 9, 31, 50, 197}) {
      for (const std::int64_t dim : {1, 16, 30, 64, 88}) {
        const at::Tensor all = fused(2, tokens, 3, dim), q = all[0], k = all[1], v = all[2].narrow(3, 0, (dim + 1) / 2);
        const double scale = 1 / std::sqrt(static_cast<double>(dim));
        const auto expect = [&](const at::Tensor& result, const at::Tensor& expected) {
          ASSERT_EQ(result.sizes(), expected.sizes());
          ASSERT_TRUE(at::allclose(result.to(at::kDouble), expected, 1e-5, 1e-5)) << tokens << " tokens of " << dim;
        };
        expect(attention(q, k, v, {}, false, {}, set), in_float64(q, k, v, {}, scale));
        expect(attention(q, k, v, {}, false, 0.3, set), in_float64(q, k, v, {}, 0.3));
        const at::Tensor causal = at::ones({tokens, tokens}, at::kBool).tril();
        expect(attention(q, k, v, {}, true, {}, set), in_float64(q, k, v, bias_of(causal), scale));
        expect(attention(q, k, v, causal, false, {}, set), in_float64(q, k, v, bias_of(causal), scale));
        for (const at::Tensor& bias : {at::randn({3, tokens, tokens}), at::randn({2, 1, tokens, tokens}), at::randn({1, tokens})}) {
          expect(attention(q, k, v, bias, false, {}, set), in_float64(q, k, v, bias, scale));
        }
      }
    }
  }
}

TEST(Attention, OfAnImageIsTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(2);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t tokens : {1, 7, 50, 130}) {
      const at::Tensor all = fused(5, tokens, 3, 40), bias = at::randn({tokens, tokens});
      const at::Tensor together = attention(all[0], all[1], all[2], bias, false, {}, set);
      for (std::int64_t first = 0, count = 1; first + count <= 5; first += count, ++count) {
        const at::Tensor some = all.narrow(1, first, count).clone();  // other strides too
        EXPECT_TRUE(at::equal(attention(some[0], some[1], some[2], bias, false, {}, set), together.narrow(0, first, count)));
      }
    }
  }
}

TEST(Attention, OfADecodersStepIsTheSameWithDraftsBehindIt) {
  at::manual_seed(3);
  const at::Tensor q = at::randn({1, 4, 6, 24}), k = at::randn({1, 4, 21, 24}), v = at::randn({1, 4, 21, 24});
  const at::Tensor seen = at::ones({6, 21}, at::kBool).tril(15);
  for (const SimdSet set : simd_sets_here()) {
    const at::Tensor together = attention(q, k, v, seen, false, {}, set);
    for (std::int64_t i = 0; i < 6; ++i) {
      const at::Tensor alone = attention(q.narrow(2, i, 1), k.narrow(2, 0, 16 + i), v.narrow(2, 0, 16 + i), {}, false, {}, set);
      EXPECT_TRUE(at::equal(alone, together.narrow(2, i, 1))) << i;
    }
  }
}

TEST(Attention, GivesZerosToAQueryThatSeesNothingAndTellsOfNaN) {
  at::manual_seed(4);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t count : {3, 20}) {
      const at::Tensor q = at::randn({1, 1, count, 8}), k = at::randn({1, 1, 5, 8}), v = at::randn({1, 1, 5, 8});
      at::Tensor seen = at::ones({count, 5}, at::kBool);
      seen[1].fill_(false);
      const at::Tensor result = attention(q, k, v, seen, false, {}, set);
      EXPECT_TRUE(at::equal(result[0][0][1], at::zeros({8})));
      EXPECT_TRUE(result.isfinite().all().item<bool>());
      at::Tensor wrong = q.clone();
      wrong[0][0][2].fill_(std::numeric_limits<float>::quiet_NaN());
      EXPECT_TRUE(attention(wrong, k, v, {}, false, {}, set)[0][0][2].isnan().all().item<bool>());
    }
  }
}

TEST(Attention, TakesHeadsThatWereMergedAndNothingAtAll) {
  const at::Tensor q = at::randn({6, 10, 8}), k = at::randn({6, 12, 8});
  EXPECT_TRUE(at::allclose(attention(q, k, k).to(at::kDouble), in_float64(q, k, k, {}, 1 / std::sqrt(8.0)), 1e-5, 1e-5));
  EXPECT_EQ(attention(at::randn({0, 2, 5, 8}), at::randn({0, 2, 5, 8}), at::randn({0, 2, 5, 8})).sizes(), at::IntArrayRef({0, 2, 5, 8}));
}

}  // namespace
}  // namespace interrogator::ops
