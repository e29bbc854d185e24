#include "ops/linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ops/packed_weights.h"
#include "support/simd_sets.h"

namespace interrogator::ops {
namespace {

void expect_the_product(const at::Tensor& result, const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  at::Tensor product = at::matmul(x.to(at::kDouble), weight.t().to(at::kDouble));
  if (bias) product = product + *bias;
  ASSERT_EQ(result.sizes(), product.sizes());
  // Sums of so many products of normal numbers, in float32.
  const double tolerance = 2e-6 * std::sqrt(static_cast<double>(x.size(-1))) * 10;
  ASSERT_TRUE(at::allclose(result.to(at::kDouble), product, 1e-5, tolerance)) << x.sizes() << " × " << weight.sizes();
}

TEST(Linear, OfAPackedWeightEqualsTheMatrixProductInFloat64) {
  at::manual_seed(1);
  for (const SimdSet set : simd_sets_here()) {
    // One number, less and more than a block of depth; less than a panel, whole ones, one that is not full.
    for (const std::int64_t depth : {1, 7, 64, 768, 1600}) {
      for (const std::int64_t outputs : {1, 5, 32, 64, 130}) {
        for (const std::int64_t rows : {0, 1, 2, 5, 6, 7, 13, 50, 97, 300}) {
          const at::Tensor x = at::randn({rows, 1, depth}), weight = at::randn({outputs, depth}), bias = at::randn({outputs});
          expect_the_product(ops::linear(x, pack_weight(weight, true, set), bias, set), x, weight, bias);
          const at::Tensor without = pack_weight(weight, false, set);
          if (without.defined()) expect_the_product(ops::linear(x, without, {}, set), x, weight, {});
        }
      }
    }
  }
}

TEST(Linear, OfAPlainWeightEqualsTheMatrixProductInFloat64) {
  at::manual_seed(2);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t depth : {1, 7, 16, 33, 768}) {
      for (const std::int64_t outputs : {1, 5, 64, 130}) {
        for (const std::int64_t rows : {0, 1, 2, 3, 4, 5, 9}) {
          const at::Tensor x = at::randn({rows, 1, depth}), weight = at::randn({outputs, depth}), bias = at::randn({outputs});
          expect_the_product(ops::linear(x, weight, bias, set), x, weight, bias);
          expect_the_product(ops::linear(x, weight, {}, set), x, weight, {});
        }
      }
    }
  }
}

TEST(Linear, ARowIsTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(3);
  const at::Tensor x = at::randn({130, 1000}), weight = at::randn({77, 1000}), bias = at::randn({77});
  for (const SimdSet set : simd_sets_here()) {
    const at::Tensor packed = pack_weight(weight, true, set);
    const at::Tensor all = ops::linear(x, packed, bias, set);
    for (std::int64_t first = 0, count = 1; first + count <= 130; first += count, ++count) {
      EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, first, count), packed, bias, set), all.narrow(0, first, count))) << count;
    }
    const at::Tensor quantized = quantize_weight(packed, set), product = ops::linear(x, quantized, bias, set);
    EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, 7, 1), quantized, bias, set)[0], product[7]));
    const at::Tensor few = ops::linear(x.narrow(0, 0, 4), weight, bias, set);
    for (std::int64_t row = 0; row < 4; ++row) {
      EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, row, 1), weight, bias, set)[0], few[row]));
    }
  }
}

TEST(Linear, TakesInputsOfAnyStridesAndDimensions) {
  at::manual_seed(4);
  const at::Tensor x = at::randn({40, 9}).t(), one = x[0], weight = at::randn({3, 40}), bias = at::randn({3});
  expect_the_product(ops::linear(x, pack_weight(weight, true), bias), x, weight, bias);
  expect_the_product(ops::linear(x, weight, bias), x, weight, bias);
  expect_the_product(ops::linear(one, pack_weight(weight, true), bias), one, weight, bias);
}

TEST(Linear, LeavesOtherTypesOfPlainWeightsToLibtorch) {
  const at::Tensor doubles = at::randn({2, 6}, at::kDouble), weight = at::randn({3, 6}, at::kDouble);
  EXPECT_TRUE(at::equal(ops::linear(doubles, weight, {}), at::linear(doubles, weight)));
}

TEST(Linear, RefusesWhatDoesNotFit) {
  const at::Tensor weight = at::randn({32, 6}), packed = pack_weight(weight, true);
  EXPECT_THROW(ops::linear(at::randn({2, 5}), weight, {}), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 5}), packed, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}, at::kDouble), packed, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), packed, at::randn({65})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), at::randn({2, 6, 5}), at::randn({10})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 0}), at::randn({2, 0, packed.size(2)}), {}), c10::Error);
  EXPECT_THROW(pack_weight(weight.to(at::kHalf), true), c10::Error);
  EXPECT_THROW(pack_weight(at::randn({3}), true), c10::Error);
  EXPECT_THROW(quantize_weight(weight), c10::Error);
  EXPECT_THROW(quantize_weight(packed.to(at::kDouble)), c10::Error);
  const at::Tensor quantized = quantize_weight(packed);
  EXPECT_THROW(ops::linear(at::randn({2, 5}), quantized, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}, at::kDouble), quantized, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), quantized, at::randn({65})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), at::zeros({2, 10, 5}, at::kChar), at::randn({10})), c10::Error);
}

/// The weight that a quantized panel stands for, float64 [N, K].
at::Tensor as_plain(const at::Tensor& quantized, std::int64_t outputs) {
  const std::int64_t panels = quantized.size(0), depth = quantized.size(1) - 4, width = quantized.size(2);
  const at::Tensor steps = quantized.narrow(1, 0, depth).to(at::kDouble);
  const at::Tensor scales = quantized.narrow(1, depth, 4).contiguous().view({panels, 4 * width}).view(at::kFloat).to(at::kDouble);
  return (steps * scales.unsqueeze(1)).transpose(1, 2).reshape({panels * width, depth}).narrow(0, 0, outputs);
}

TEST(Linear, OfAQuantizedWeightEqualsTheMatrixProductInFloat64) {
  at::manual_seed(5);
  for (const SimdSet set : simd_sets_here()) {
    for (const std::int64_t depth : {1, 3, 4, 7, 64, 768}) {
      for (const std::int64_t outputs : {1, 5, 32, 64, 130}) {
        const at::Tensor weight = at::randn({outputs, depth}), bias = at::randn({outputs});
        const at::Tensor quantized = quantize_weight(pack_weight(weight, true, set), set), plain = as_plain(quantized, outputs);
        ASSERT_EQ(quantized.scalar_type(), at::kChar);
        // Half a step of each output's own.
        const at::Tensor step = weight.abs().amax(1, true).to(at::kDouble) / 127;
        ASSERT_TRUE(((plain - weight).abs() <= step * 0.5001).all().item<bool>());
        for (const std::int64_t rows : {0, 1, 2, 6}) {
          const at::Tensor x = at::randn({rows, 1, depth});
          expect_the_product(ops::linear(x, quantized, bias, set), x, plain, bias);
          const at::Tensor packed = pack_weight(weight, false, set);
          if (packed.defined()) expect_the_product(ops::linear(x, quantize_weight(packed, set), {}, set), x, plain, {});
        }
      }
    }
  }
}

TEST(Linear, RoundsZerosAndNumbersOfAnySize) {
  for (const SimdSet set : simd_sets_here()) {
    at::Tensor weight = at::zeros({40, 12});
    weight[1].fill_(3e38F);
    weight[2].fill_(-1e-25F);
    weight[39][11] = -2;
    const at::Tensor plain = as_plain(quantize_weight(pack_weight(weight, true, set), set), 40);
    EXPECT_TRUE(at::allclose(plain, weight.to(at::kDouble), 1e-6, 0)) << plain;
  }
}

TEST(Linear, PacksOnlyWhatTellsItsOutputs) {
  for (const SimdSet set : simd_sets_here()) {
    EXPECT_FALSE(pack_weight(at::randn({5, 8}), false, set).defined());
    const at::Tensor packed = pack_weight(at::ones({5, 8}), true, set);
    EXPECT_EQ(packed.size(0), 1);
    EXPECT_EQ(packed.size(1), 8);
    EXPECT_EQ(packed.sum().item<float>(), 40);  // the rest of the panel is 0
  }
}

/// As a row or a weight is rounded.
at::Tensor of_bfloat16(const at::Tensor& numbers) { return numbers.to(at::kBFloat16).to(at::kFloat); }

TEST(Linear, OfARoundedWeightEqualsTheProductOfBFloat16sInFloat64) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "this processor has no products of bfloat16";
  at::manual_seed(6);
  for (const std::int64_t depth : {2, 8, 64, 768, 1600}) {
    for (const std::int64_t outputs : {1, 5, 32, 64, 130}) {
      for (const std::int64_t rows : {0, 1, 2, 5, 12, 13, 50, 97, 300}) {
        const at::Tensor x = at::randn({rows, 1, depth}), weight = at::randn({outputs, depth}), bias = at::randn({outputs});
        const at::Tensor rounded = round_weight(pack_weight(weight, true));
        ASSERT_EQ(rounded.scalar_type(), at::kBFloat16);
        expect_the_product(ops::linear(x, rounded, bias), of_bfloat16(x), of_bfloat16(weight), bias);
        const at::Tensor without = pack_weight(weight, false);
        if (!without.defined()) continue;
        EXPECT_EQ(plain_size(round_weight(without)), (std::vector<std::int64_t>{outputs, depth}));
        expect_the_product(ops::linear(x, round_weight(without), {}), of_bfloat16(x), of_bfloat16(weight), {});
      }
    }
  }
}

TEST(Linear, OfARoundedWeightARowIsTheSameToTheLastBitInAnyCompany) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "this processor has no products of bfloat16";
  at::manual_seed(7);
  const at::Tensor x = at::randn({130, 1000}), bias = at::randn({77});
  const at::Tensor weight = round_weight(pack_weight(at::randn({77, 1000}), true)), all = ops::linear(x, weight, bias);
  for (std::int64_t first = 0, count = 1; first + count <= 130; first += count, ++count) {
    EXPECT_TRUE(at::equal(ops::linear(x.narrow(0, first, count), weight, bias), all.narrow(0, first, count))) << count;
  }
}

TEST(Linear, RoundsOnlyWhatItCanAndRefusesWhatDoesNotFit) {
  const at::Tensor packed = pack_weight(at::randn({32, 6}), true);
  if (!has_bfloat16_products()) {
    EXPECT_THROW(round_weight(packed), c10::Error);
    return;
  }
  EXPECT_FALSE(round_weight(pack_weight(at::randn({32, 7}), true)).defined());
  EXPECT_THROW(round_weight(at::randn({32, 6})), c10::Error);
  EXPECT_THROW(round_weight(packed.to(at::kDouble)), c10::Error);
  const at::Tensor rounded = round_weight(packed);
  EXPECT_THROW(ops::linear(at::randn({2, 5}), rounded, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}, at::kDouble), rounded, at::randn({32})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), rounded, at::randn({65})), c10::Error);
  EXPECT_THROW(ops::linear(at::randn({2, 6}), at::zeros({1, 3, 16, 2}, at::kBFloat16), at::randn({10})), c10::Error);
}

}  // namespace
}  // namespace interrogator::ops
