// Built for AVX-512 with BF16 alone (cmake/SimdBuilds.cmake).
#include <immintrin.h>

#include "ops/simd/packed_product.h"
#include "ops/simd/panels.h"

namespace interrogator::ops::simd {

namespace {

/// Not unrolled along depth: GCC then runs out of registers.
template <int Rows>
void tile_product(const Tile<BFloat16Pair>& tile) {
  constexpr int kBases = (Rows + 2) / 3;
  __m512 sums[Rows][2];
  const BFloat16Pair* x[kBases];  // of every third row: the two after it are within an instruction's reach
  for (int r = 0; r < Rows; ++r) {
    const float* const from = tile.bias ? tile.bias : tile.results + r * tile.result_stride;
    sums[r][0] = _mm512_loadu_ps(from);
    sums[r][1] = _mm512_loadu_ps(from + kLanes);
  }
  for (int base = 0; base < kBases; ++base) x[base] = tile.x + 3 * base * tile.x_stride;
  const BFloat16Pair* panel = tile.panel;
  const BFloat16Pair* ahead = tile.ahead;
  INTERROGATOR_NOT_UNROLLED
  for (std::int64_t k = 0; k < tile.depth; ++k) {
    prefetch_later(ahead);
    ahead += tile.ahead_step;
    const auto left = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel));
    const auto right = reinterpret_cast<__m512bh>(_mm512_loadu_si512(panel + kLanes));
    panel += kWidth;
    for (int r = 0; r < Rows; ++r) {
      const auto pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(x[r / 3][r % 3 * tile.x_stride])));
      sums[r][0] = _mm512_dpbf16_ps(sums[r][0], pair, left);
      sums[r][1] = _mm512_dpbf16_ps(sums[r][1], pair, right);
    }
    for (int base = 0; base < kBases; ++base) ++x[base];
  }
  for (int r = 0; r < Rows; ++r) {
    _mm512_storeu_ps(tile.results + r * tile.result_stride, sums[r][0]);
    _mm512_storeu_ps(tile.results + r * tile.result_stride + kLanes, sums[r][1]);
  }
}

struct Kernel {
  using Number = BFloat16Pair;
  static constexpr int kTileRows = 12;
  static constexpr TileFunction<BFloat16Pair> kTileFunctions[] = {
      &tile_product<1>, &tile_product<2>, &tile_product<3>, &tile_product<4>,  &tile_product<5>,  &tile_product<6>,
      &tile_product<7>, &tile_product<8>, &tile_product<9>, &tile_product<10>, &tile_product<11>, &tile_product<12>,
  };
  static_assert(sizeof kTileFunctions / sizeof kTileFunctions[0] == kTileRows);
};

}  // namespace

void bfloat16_product(const BFloat16Product& product) { panel_product<Kernel>(product); }

void to_bfloat16(const float* from, std::int64_t count, std::uint16_t* to) {
  const auto convert = [](const float* numbers, std::uint16_t* rounded) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rounded), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_loadu_ps(numbers))));
  };
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) convert(from + i, to + i);
  float rest[kLanes] = {};
  std::uint16_t rounded[kLanes];
  for (std::int64_t k = i; k < count; ++k) rest[k - i] = from[k];
  convert(rest, rounded);
  for (std::int64_t k = i; k < count; ++k) to[k] = rounded[k - i];
}

}  // namespace interrogator::ops::simd
