#include "ops/tree_attention.h"
#include "ops/operators.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

#include "support/simd_sets.h"
#include "support/tree_cases.h"

namespace interrogator::ops {
namespace {

using test::difference;

struct Case : test::TreeCase {
  using TreeCase::TreeCase;
  explicit Case(const TreeCase& tree) : TreeCase(tree) {}

  at::Tensor run(SimdSet set = best_simd_set()) const { return tree_attention(q, k, v, prefix_k, prefix_v, ancestors, scale, set); }
};

TEST(TreeAttention, EverySetEqualsPlainAttentionOnRandomTrees) {
  for (const SimdSet set : simd_sets_here()) {
    std::mt19937 random(1);
    for (unsigned round = 0; round < 40; ++round) {
      const Case given(1 + random() % (round % 13 == 0 ? 600 : 60), 1 + random() % 12, 1 + random() % 80, 1 + random() % 76, round);
      const at::Tensor result = given.run(set);
      ASSERT_EQ(result.sizes(), given.q.sizes());
      ASSERT_LT(difference(result, given.reference()), 1e-5) << given.q.sizes() << ", prefix " << given.prefix_k.size(1);
    }
  }
}

TEST(TreeAttention, ARowIsTheSameToTheLastBitWhateverIsComputedWithIt) {
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t d : {20, 64}) {
      const Case given(700, 4, d, 13, 11);
      const at::Tensor all = given.run(set);
      for (const std::int64_t count : {1, 2, 3, 5, 130}) {
        const at::Tensor nodes = at::randperm(700).slice(0, 0, count);
        EXPECT_TRUE(at::equal(Case(given.only(nodes)).run(set), all.index_select(0, nodes))) << count;
      }
    }
  }
}

TEST(TreeAttention, PassesOnWhatIsNotANumber) {
  Case given(9, 2, 16, 4, 12);
  given.q[3].fill_(std::numeric_limits<float>::quiet_NaN());
  const at::Tensor result = given.run();
  EXPECT_TRUE(result[3].isnan().all().item<bool>());
  EXPECT_TRUE(result[2].isfinite().all().item<bool>());
}

TEST(TreeAttention, IsStableWhereScoresAreLarge) {
  Case given(50, 2, 16, 9, 3);
  given.q *= 1000;
  const at::Tensor result = given.run();
  EXPECT_TRUE(result.isfinite().all().item<bool>());
  EXPECT_LT(difference(result, given.reference()), 1e-2);
}

TEST(TreeAttention, TakesKeysAndQueriesAsViewsOfOneTensor) {
  Case given(300, 4, 32, 20, 4);
  const at::Tensor expected = given.run();
  const at::Tensor together = at::stack({given.q, given.k, given.v}, 1);
  given.q = together.select(1, 0), given.k = together.select(1, 1), given.v = together.select(1, 2);
  given.prefix_k = given.prefix_k.transpose(0, 1).contiguous().transpose(0, 1);
  given.ancestors = given.ancestors.t().contiguous().t();
  EXPECT_LT(difference(given.run(), expected), 1e-6);
  given.q = given.q.transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_LT(difference(given.run(), expected), 1e-6);
}

TEST(TreeAttention, ComputesHalfPrecisionInFloat32) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    Case given(70, 3, 24, 5, 5);
    for (at::Tensor* tensor : {&given.q, &given.k, &given.v, &given.prefix_k, &given.prefix_v}) *tensor = tensor->to(type);
    const at::Tensor result = given.run();
    EXPECT_EQ(result.scalar_type(), type);
    EXPECT_LT(difference(result, given.reference()), type == at::kHalf ? 2e-3 : 2e-2);
  }
}

TEST(TreeAttention, WorksWithoutPrefixAndWithoutNodes) {
  const Case rootless(20, 2, 8, 0, 6);
  EXPECT_LT(difference(rootless.run(), rootless.reference()), 1e-5);
  const Case empty(0, 2, 8, 3, 7);
  EXPECT_EQ(empty.run().numel(), 0);
}

TEST(TreeAttention, GivesZerosToARowWithoutAnyKey) {
  for (const SimdSet set : simd_sets_here()) {
    Case given(6, 2, 8, 0, 13);
    given.ancestors[2].fill_(-1);
    const at::Tensor result = given.run(set);
    EXPECT_TRUE(result[2].eq(0).all().item<bool>());
    EXPECT_FALSE(result[3].eq(0).any().item<bool>());
  }
}

TEST(TreeAttention, WorksInInferenceModeOnAllThreads) {
  const c10::InferenceMode inference;
  const Case given(2000, 8, 16, 10, 8);
  EXPECT_LT(difference(given.run(), given.reference()), 1e-5);
}

TEST(TreeAttention, RefusesWhatDoesNotFit) {
  Case given(10, 2, 8, 3, 9);
  given.ancestors[4][0] = 10;
  EXPECT_THROW(given.run(), c10::Error);
  given = Case(10, 2, 8, 3, 9);
  given.k = given.k.slice(0, 0, 9);
  EXPECT_THROW(given.run(), c10::Error);
  given = Case(10, 2, 8, 3, 9);
  given.prefix_v = given.prefix_v.slice(1, 0, 2);
  EXPECT_THROW(given.run(), c10::Error);
  given = Case(10, 2, 8, 3, 9);
  given.v = given.v.to(at::kHalf);
  EXPECT_THROW(given.run(), c10::Error);
}

TEST(TreeAttention, IsKnownToTorchScriptUnderItsName) {
  register_operators();
  register_operators();
  const auto schema = c10::Dispatcher::singleton().findSchemaOrThrow("interrogator::tree_attention", "");
  const Case given(30, 2, 8, 3, 10);
  const auto call = schema.typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                            const at::Tensor&, double)>();
  const at::Tensor result = call.call(given.q, given.k, given.v, given.prefix_k, given.prefix_v, given.ancestors, given.scale);
  EXPECT_LT(difference(result, given.reference()), 1e-5);
}

}  // namespace
}  // namespace interrogator::ops
