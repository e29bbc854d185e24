#include "ops/cuda/tree_attention.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "ops/tree_attention.h"
#include "support/cuda_place.h"
#include "support/tree_cases.h"

namespace interrogator::ops {
namespace {

using test::difference;

struct Case : test::TreeCase {
  using TreeCase::TreeCase;

  at::Tensor run(const test::Place& place) const {
    const auto there = [&](const at::Tensor& tensor) { return tensor.to(place.device); };
    return tree_attention_with(place.kernels, there(q), there(k), there(v), there(prefix_k), there(prefix_v), there(ancestors), scale)
        .cpu();
  }
};

class TreeAttentionCuda : public test::CudaPlaceTest {};

TEST_P(TreeAttentionCuda, EqualsPlainAttentionOnRandomTrees) {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 40; ++round) {
    const std::int64_t nodes = 1 + random() % (round % 13 == 0 ? 400 : 60), heads = 1 + random() % 5;
    const std::int64_t d = round % 2 ? 1 + random() % 256 : 8 * (1 + random() % 32);
    const Case given(nodes, heads, d, random() % 76, round, round % 3 == 0 ? random() % 50 : -1);
    const at::Tensor result = given.run(place_);
    ASSERT_EQ(result.sizes(), given.q.sizes());
    if (result.numel() == 0) continue;
    ASSERT_LT(difference(result, given.reference()), 2e-5)
        << given.q.sizes() << ", nodes " << nodes << ", prefix " << given.prefix_k.size(1);
  }
}

TEST_P(TreeAttentionCuda, EqualsTheOperatorOfTheCpu) {
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    Case given(200, 3, 64, 33, 2);
    for (at::Tensor* tensor : {&given.q, &given.k, &given.v, &given.prefix_k, &given.prefix_v}) *tensor = tensor->to(type);
    const at::Tensor expected = tree_attention(given.q, given.k, given.v, given.prefix_k, given.prefix_v, given.ancestors, given.scale);
    const at::Tensor result = given.run(place_);
    EXPECT_EQ(result.scalar_type(), type);
    EXPECT_LT(difference(result, expected), type == at::kFloat ? 1e-5 : type == at::kHalf ? 2e-3 : 2e-2);
  }
}

TEST_P(TreeAttentionCuda, ComputesHalfPrecisionInFloat32) {
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    for (const std::int64_t d : {7, 24, 64, 80, 128, 200}) {
      Case given(70, 3, d, 5, 5);
      for (at::Tensor* tensor : {&given.q, &given.k, &given.v, &given.prefix_k, &given.prefix_v}) *tensor = tensor->to(type);
      EXPECT_LT(difference(given.run(place_), given.reference()), type == at::kHalf ? 2e-3 : 2e-2) << d;
    }
  }
}

TEST_P(TreeAttentionCuda, IsStableWhereScoresAreLarge) {
  Case given(50, 2, 16, 9, 3);
  given.q *= 1000;
  const at::Tensor result = given.run(place_);
  EXPECT_TRUE(result.isfinite().all().item<bool>());
  EXPECT_LT(difference(result, given.reference()), 1e-2);

  // All far below nothing.
  given.q = -given.q.abs(), given.k = given.k.abs(), given.prefix_k = given.prefix_k.abs();
  const at::Tensor below = given.run(place_);
  EXPECT_TRUE(below.isfinite().all().item<bool>());
  EXPECT_LT(difference(below, given.reference()), 1e-2);
}

TEST_P(TreeAttentionCuda, TakesViewsOfOneTensorInAnyLayout) {
  Case given(120, 4, 32, 20, 4);
  const at::Tensor expected = given.reference();
  const at::Tensor together = at::stack({given.q, given.k, given.v}, 1);
  given.q = together.select(1, 0), given.k = together.select(1, 1), given.v = together.select(1, 2);
  given.prefix_k = given.prefix_k.transpose(0, 1).contiguous().transpose(0, 1);
  given.ancestors = given.ancestors.t().contiguous().t();
  EXPECT_LT(difference(given.run(place_), expected), 1e-5);
  given.q = given.q.transpose(1, 2).contiguous().transpose(1, 2);
  EXPECT_LT(difference(given.run(place_), expected), 1e-5);
  // Rows that start off a 16-byte boundary.
  given.k = at::cat({at::zeros({120, 4, 1}), given.k}, 2).slice(2, 1);
  EXPECT_LT(difference(given.run(place_), expected), 1e-5);
}

TEST_P(TreeAttentionCuda, WorksWithoutPrefixNodesOrRows) {
  const Case rootless(20, 2, 8, 0, 6);
  EXPECT_LT(difference(rootless.run(place_), rootless.reference()), 1e-5);
  Case treeless(5, 2, 8, 3, 7);
  treeless.ancestors.fill_(-1);
  EXPECT_LT(difference(treeless.run(place_), treeless.reference()), 1e-5);
  treeless.k = treeless.k.slice(0, 0, 0), treeless.v = treeless.v.slice(0, 0, 0), treeless.ancestors = treeless.ancestors.slice(1, 0, 0);
  EXPECT_LT(difference(treeless.run(place_), treeless.reference()), 1e-5);
  EXPECT_EQ(Case(0, 2, 8, 3, 8).run(place_).numel(), 0);
}

TEST_P(TreeAttentionCuda, ARowThatAttendsToNothingIsZero) {
  Case given(9, 2, 16, 0, 9);
  given.ancestors[4].fill_(-1);
  const at::Tensor result = given.run(place_);
  EXPECT_EQ(result[4].abs().sum().item<float>(), 0);
  EXPECT_LT(difference(result, given.reference()), 1e-5);
}

TEST_P(TreeAttentionCuda, LeavesOutWhatLiesOutsideTheTree) {
  Case given(30, 2, 16, 4, 10), cut = given;
  given.ancestors = at::cat({given.ancestors, at::zeros({30, 1}, at::kLong)}, 1);  // a node behind the end
  given.ancestors[3].fill_(30);
  cut.ancestors = cut.ancestors.clone();
  cut.ancestors[3].fill_(-1);
  // Only rows whose path is shorter than the matrix is wide end before the last column.
  const at::Tensor shorter = cut.ancestors.select(1, cut.ancestors.size(1) - 1).lt(0).nonzero().squeeze(1);
  EXPECT_LT(difference(given.run(place_).index_select(0, shorter), cut.reference().index_select(0, shorter)), 1e-5);
}

TEST_P(TreeAttentionCuda, NoNumbersStayNoNumbers) {
  Case given(10, 2, 8, 3, 11);
  given.prefix_k[0][1][2] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor result = given.run(place_);
  EXPECT_TRUE(result.select(1, 0).isnan().all().item<bool>());
  EXPECT_FALSE(result.select(1, 1).isnan().any().item<bool>());
}

TEST_P(TreeAttentionCuda, TakesHeadsThatTheKernelsDoNot) {
  const Case given(12, 1, 300, 3, 12);
  EXPECT_LT(difference(given.run(place_), given.reference()), 2e-5);
}

TEST_P(TreeAttentionCuda, RefusesWhatDoesNotFit) {
  Case given(10, 2, 8, 3, 13);
  given.k = given.k.slice(1, 0, 1);
  EXPECT_THROW(given.run(place_), c10::Error);
  given = Case(10, 2, 8, 3, 13);
  given.v = given.v.to(at::kHalf);
  EXPECT_THROW(given.run(place_), c10::Error);
  given = Case(10, 2, 8, 3, 13);
  given.ancestors = given.ancestors.slice(0, 0, 9);
  EXPECT_THROW(given.run(place_), c10::Error);
}

INSTANTIATE_TEST_SUITE_P(Places, TreeAttentionCuda, test::everywhere(), test::name_of);

}  // namespace
}  // namespace interrogator::ops
