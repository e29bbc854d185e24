// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/packed_product.h"

#include "ops/simd/vector.h"

namespace interrogator::ops::simd {

namespace {

constexpr int kWidth = 2 * kLanes;
// Rows that are computed at once. Their sums, two vectors of a panel and one number of x stay in registers.
#if defined(__AVX512F__)
constexpr int kTileRows = 12;
#elif defined(__AVX2__)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 2;
#endif
// Of a panel, the part that stays in the second-level cache while all rows pass: 48 KiB with AVX2.
constexpr std::int64_t kDepthBlock = 768;
// So many tiles fetch the panel after theirs, each a part.
constexpr std::int64_t kFetchingTiles = 4;

struct Tile {
  const float* x;
  std::int64_t x_stride;
  const float* panel;
  std::int64_t depth;
  float* results;
  std::int64_t result_stride;
  const float* bias;   // null: go on from what `results` holds
  const float* ahead;  // read soon: a line every `ahead_step` floats
  std::int64_t ahead_step;
};

/// Not unrolled along depth: GCC then runs out of registers.
template <int Rows>
void tile_product(const Tile& tile) {
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

using TileFunction = void (*)(const Tile&);

/// By rows - 1. One a row count, spelled out: see attention_rows.cc on what a header may give here.
constexpr TileFunction kTileFunctions[] = {
    &tile_product<1>, &tile_product<2>,
#if defined(__AVX512F__) || defined(__AVX2__)
    &tile_product<3>, &tile_product<4>, &tile_product<5>, &tile_product<6>,
#endif
#if defined(__AVX512F__)
    &tile_product<7>, &tile_product<8>, &tile_product<9>, &tile_product<10>, &tile_product<11>, &tile_product<12>,
#endif
};
static_assert(sizeof kTileFunctions / sizeof kTileFunctions[0] == kTileRows);

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

inline void copy(const float* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

/// Rows as even as can be: 50 in tiles of at most 6 are five of 6 and four of 5, not eight and one of 2.
struct Tiles {
  explicit Tiles(std::int64_t all) : rows(all), count((all + kTileRows - 1) / kTileRows) {}
  std::int64_t first(std::int64_t tile) const { return rows * tile / count; }
  const std::int64_t rows, count;
};

void whole_panel(const PackedProduct& product, const Tiles& tiles, std::int64_t index, std::int64_t k, std::int64_t depth) {
  static constexpr float kZeros[kWidth] = {};
  const std::int64_t step = tiles.count < kFetchingTiles ? kWidth : kWidth / kFetchingTiles;
  const float* const panel = product.panels + (index * product.depth + k) * kWidth;
  const float* ahead = panel + product.depth * kWidth;
  const float* const fetched = ahead + depth * kWidth;
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i);
    const float* const bias = product.bias ? product.bias + index * kWidth : kZeros;
    kTileFunctions[tiles.first(i + 1) - row - 1]({.x = product.x + row * product.depth + k,
                                                  .x_stride = product.depth,
                                                  .panel = panel,
                                                  .depth = depth,
                                                  .results = product.results + row * product.outputs + index * kWidth,
                                                  .result_stride = product.outputs,
                                                  .bias = k == 0 ? bias : nullptr,
                                                  .ahead = ahead,
                                                  .ahead_step = step});
    if (ahead + step * depth < fetched) ahead += step * depth;
  }
}

void whole_panels(const PackedProduct& product) {
  const Tiles tiles(product.rows);
  for (std::int64_t k = 0; k == 0 || k < product.depth; k += kDepthBlock) {
    const std::int64_t depth = least(kDepthBlock, product.depth - k);
    for (std::int64_t index = product.first; index < product.last; ++index) whole_panel(product, tiles, index, k, depth);
  }
}

/// The last panel where it has outputs that the weight lacks: a tile after the other as a whole one, in memory that has room for them.
void part_panel(const PackedProduct& product, std::int64_t index) {
  const std::int64_t outputs = product.outputs - index * kWidth;
  float bias[kWidth] = {}, results[kTileRows * kWidth];
  if (product.bias) copy(product.bias + index * kWidth, outputs, bias);
  const Tiles tiles(product.rows);
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i), rows = tiles.first(i + 1) - row;
    whole_panels({.x = product.x + row * product.depth,
                  .rows = rows,
                  .depth = product.depth,
                  .panels = product.panels + index * product.depth * kWidth,
                  .last = 1,
                  .outputs = kWidth,
                  .bias = bias,
                  .results = results});
    for (std::int64_t r = 0; r < rows; ++r) {
      copy(results + r * kWidth, outputs, product.results + (row + r) * product.outputs + index * kWidth);
    }
  }
}

}  // namespace

std::int64_t INTERROGATOR_SIMD_NAME(panel_width)() { return kWidth; }

void INTERROGATOR_SIMD_NAME(packed_product)(const PackedProduct& product) {
  if (product.rows == 0) return;
  PackedProduct whole = product;
  whole.last = least(product.last, product.outputs / kWidth);
  whole_panels(whole);
  if (whole.last < product.last) part_panel(product, whole.last);
}

}  // namespace interrogator::ops::simd
