#include "ops/few_rows_linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace interrogator::ops {
namespace {

TEST(FewRowsLinear, EqualsTheMatrixProductInFloat64) {
  at::manual_seed(1);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t depth : {1, 7, 16, 33, 768}) {
      for (const std::int64_t outputs : {1, 5, 64, 130}) {
        for (const std::int64_t rows : {0, 1, 2, 3, 4, 5, 9}) {
          const at::Tensor x = at::randn({rows, 1, depth}), weight = at::randn({outputs, depth}), bias = at::randn({outputs});
          const at::Tensor product = at::matmul(x.to(at::kDouble), weight.t().to(at::kDouble));
          const at::Tensor with_bias = few_rows_linear(x, weight, bias, set), without = few_rows_linear(x, weight, {}, set);
          ASSERT_EQ(with_bias.sizes(), product.sizes());
          ASSERT_TRUE(at::allclose(with_bias.to(at::kDouble), product + bias, 1e-4, 1e-4)) << rows << " × " << depth << " × " << outputs;
          ASSERT_TRUE(at::allclose(without.to(at::kDouble), product, 1e-4, 1e-4));
        }
      }
    }
  }
}

TEST(FewRowsLinear, ARowIsTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({4, 100}), weight = at::randn({77, 100}), bias = at::randn({77});
  for (const SimdSet set : simd_sets_here()) {
    const at::Tensor together = few_rows_linear(x, weight, bias, set);
    for (std::int64_t row = 0; row < 4; ++row) {
      EXPECT_TRUE(at::equal(few_rows_linear(x.narrow(0, row, 1), weight, bias, set)[0], together[row]));
    }
  }
}

TEST(FewRowsLinear, LeavesOtherTypesAndLayoutsToLibtorch) {
  at::manual_seed(3);
  const at::Tensor x = at::randn({6, 2}).t(), weight = at::randn({3, 6}), doubles = at::randn({2, 6}, at::kDouble);
  EXPECT_TRUE(at::allclose(few_rows_linear(x, weight, {}), at::linear(x, weight)));
  EXPECT_TRUE(at::equal(few_rows_linear(doubles, weight.to(at::kDouble), {}), at::linear(doubles, weight.to(at::kDouble))));
  EXPECT_THROW(few_rows_linear(at::randn({2, 5}), weight, {}), c10::Error);
}

}  // namespace
}  // namespace interrogator::ops
