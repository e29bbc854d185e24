#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ops/cosine_top_k.h"
#include "support/simd_sets.h"

namespace interrogator::ops {
namespace {

TEST(SquaredLengths, AreWhatLibtorchSumsInDouble) {
  at::manual_seed(3);
  for (const SimdSet set : simd_sets_here()) {
    for (int round = 0; round < 100; ++round) {
      const std::int64_t rows = std::rand() % 700, dim = 1 + std::rand() % 200;
      at::Tensor values = at::randn({rows, dim});
      values /= values.norm(2, {1}, /*keepdim=*/true);
      if (round % 8 == 7 && rows > 0) values[std::rand() % rows][std::rand() % dim] = std::nanf("");
      const at::Tensor halves = values.to(at::kHalf).contiguous(), expected = halves.to(at::kDouble).square().sum(1);
      const std::vector<float> sums = squared_lengths(halves, set);
      EXPECT_TRUE(at::allclose(at::tensor(sums).to(at::kDouble), expected, 1e-5, 1e-6, /*equal_nan=*/true)) << rows << " x " << dim;
    }
  }
}

}  // namespace
}  // namespace interrogator::ops
