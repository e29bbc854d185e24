#include "ops/unit_rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

namespace interrogator {
namespace {

/// The first row of a float16 tensor whose length is not 1, looked for with libtorch in double.
std::optional<std::int64_t> first_odd_plain(const at::Tensor& rows) {
  const at::Tensor lengths = rows.to(at::kDouble).square().sum(1).sqrt();
  for (std::int64_t row = 0; row < rows.size(0); ++row) {
    const double off = std::abs(lengths[row].item<double>() - 1);
    if (!(off <= ops::kUnitTolerance)) return row;
  }
  return std::nullopt;
}

TEST(UnitRows, FindsTheFirstOddRowAsThePlainVersionDoes) {
  at::manual_seed(3);
  for (const ops::SimdSet set : ops::simd_sets_here()) {
    for (int round = 0; round < 100; ++round) {
      const std::int64_t rows = std::rand() % 700, dim = 1 + std::rand() % 200;
      at::Tensor values = at::randn({rows, dim});
      values /= values.norm(2, {1}, /*keepdim=*/true);
      // Lengths about the tolerance, well away from its very edge.
      if (round % 4) values *= at::where(at::rand({rows, 1}) < 0.01, at::full({1}, round % 4 == 1 ? 1.01 : 0.97), at::ones({1}));
      if (round % 8 == 7 && rows > 0) values[std::rand() % rows][std::rand() % dim] = std::nanf("");
      const at::Tensor halves = values.to(at::kHalf).contiguous();
      const auto odd = ops::first_odd_row({static_cast<const std::uint16_t*>(halves.const_data_ptr()), rows}, dim, set);
      EXPECT_EQ(odd ? std::optional(odd->row) : std::nullopt, first_odd_plain(halves)) << rows << " x " << dim;
    }
  }
}

}  // namespace
}  // namespace interrogator
