#include "ops/unit_rows.h"

#include <algorithm>
#include <cmath>

#include "ops/simd/dots.h"

namespace interrogator::ops {

std::optional<OddRow> first_odd_row(const HalfRows& rows, std::int64_t dim, SimdSet set) {
  constexpr std::int64_t kRows = 256;  // at a time
  const simd::HalfSquaresFunction squares = INTERROGATOR_CHOOSE(set, simd::half_squares);
  float sums[kRows];
  for (std::int64_t first = 0; first < rows.rows; first += kRows) {
    const std::int64_t count = std::min(kRows, rows.rows - first);
    squares(rows.data + first * dim, count, dim, sums);
    for (std::int64_t i = 0; i < count; ++i) {
      const float length = std::sqrt(sums[i]);
      // Not the other way round: a length that is not a number compares as false.
      if (!(std::abs(length - 1) <= kUnitTolerance)) return OddRow{first + i, length};
    }
  }
  return std::nullopt;
}

}  // namespace interrogator::ops
