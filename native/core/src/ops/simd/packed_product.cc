// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/packed_product.h"

#include "ops/simd/panels.h"
#include "ops/simd/vector.h"

namespace interrogator::ops::simd {

namespace {

/// Not unrolled along depth: GCC then runs out of registers.
template <int Rows>
void tile_product(const Tile<float>& tile) {
  constexpr int kBases = (Rows + 2) / 3;
  Vector sums[Rows][2];
  const float* x[kBases];  // of every third row: the two after it are within an instruction's reach
  for (int r = 0; r < Rows; ++r) {
    const float* const from = tile.bias ? tile.bias : tile.results + r * tile.result_stride;
    sums[r][0] = load(from);
    sums[r][1] = load(from + kLanes);
  }
  for (int base = 0; base < kBases; ++base) x[base] = tile.x + 3 * base * tile.x_stride;
  const float* panel = tile.panel;
  const float* ahead = tile.ahead;
  INTERROGATOR_NOT_UNROLLED
  for (std::int64_t k = 0; k < tile.depth; ++k) {
    prefetch_later(ahead);
    ahead += tile.ahead_step;
    const Vector left = load(panel), right = load(panel + kLanes);
    panel += kWidth;
    for (int r = 0; r < Rows; ++r) {
      const Vector number = broadcast(x[r / 3][r % 3 * tile.x_stride]);
      sums[r][0] += number * left;
      sums[r][1] += number * right;
    }
    for (int base = 0; base < kBases; ++base) ++x[base];
  }
  for (int r = 0; r < Rows; ++r) {
    store(tile.results + r * tile.result_stride, sums[r][0]);
    store(tile.results + r * tile.result_stride + kLanes, sums[r][1]);
  }
}

struct Kernel {
  using Number = float;
#if defined(__AVX512F__)
  static constexpr int kTileRows = 12;
#elif defined(__AVX2__)
  static constexpr int kTileRows = 6;
#else
  static constexpr int kTileRows = 2;
#endif
  /// One a row count, spelled out: see attention_rows.cc on what a header may give here.
  static constexpr TileFunction<float> kTileFunctions[] = {
      &tile_product<1>, &tile_product<2>,
#if defined(__AVX512F__) || defined(__AVX2__)
      &tile_product<3>, &tile_product<4>, &tile_product<5>, &tile_product<6>,
#endif
#if defined(__AVX512F__)
      &tile_product<7>, &tile_product<8>, &tile_product<9>, &tile_product<10>, &tile_product<11>, &tile_product<12>,
#endif
  };
  static_assert(sizeof kTileFunctions / sizeof kTileFunctions[0] == kTileRows);
};

}  // namespace

std::int64_t INTERROGATOR_SIMD_NAME(panel_width)() { return kWidth; }

void INTERROGATOR_SIMD_NAME(packed_product)(const PackedProduct& product) { panel_product<Kernel>(product); }

}  // namespace interrogator::ops::simd
