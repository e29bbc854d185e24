// The loops around the tiles of a product with packed weights: which rows meet which panel, and when. Everything is of the file that
// includes this, see vector.h.
#pragma once

#include "ops/simd/packed_product.h"
#include "ops/simd/vector.h"

namespace interrogator::ops::simd {

namespace {

constexpr int kWidth = 2 * kLanes;
// Of a panel, the part that stays in the second-level cache while all rows pass: 48 KiB with AVX2, 96 KiB with AVX-512.
constexpr std::int64_t kDepthBlock = 768;
// So many tiles fetch the panel after theirs, each a part.
constexpr std::int64_t kFetchingTiles = 4;

// Rows that are computed at once. Their sums, two vectors of a panel and one number of x stay in registers.
#if defined(__AVX512F__)
constexpr int kTileRows = 12;
#elif defined(__AVX2__)
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 2;
#endif

template <class Number>
struct Tile {
  const Number* x;
  std::int64_t x_stride;
  const Number* panel;
  std::int64_t depth;
  float* results;
  std::int64_t result_stride;
  const float* bias;    // null: go on from what `results` holds
  const Number* ahead;  // read soon: a line every `ahead_step` numbers
  std::int64_t ahead_step;
};

/// Arithmetic is what is multiplied, and how: its Number, a vector of them, load, broadcast, and add_product(sum, vector, vector).
/// Not unrolled along depth: GCC then runs out of registers.
template <class Arithmetic, int Rows>
void tile_product(const Tile<typename Arithmetic::Number>& tile) {
  using Number = typename Arithmetic::Number;
  constexpr int kBases = (Rows + 2) / 3;
  Vector sums[Rows][2];
  const Number* x[kBases];  // of every third row: the two after it are within an instruction's reach
  for (int r = 0; r < Rows; ++r) {
    const float* const from = tile.bias ? tile.bias : tile.results + r * tile.result_stride;
    sums[r][0] = load(from);
    sums[r][1] = load(from + kLanes);
  }
  for (int base = 0; base < kBases; ++base) x[base] = tile.x + 3 * base * tile.x_stride;
  const Number* panel = tile.panel;
  const Number* ahead = tile.ahead;
  INTERROGATOR_NOT_UNROLLED
  for (std::int64_t k = 0; k < tile.depth; ++k) {
    prefetch_later(ahead);
    ahead += tile.ahead_step;
    const auto left = Arithmetic::load(panel), right = Arithmetic::load(panel + kLanes);
    panel += kWidth;
    for (int r = 0; r < Rows; ++r) {
      const auto number = Arithmetic::broadcast(x[r / 3][r % 3 * tile.x_stride]);
      sums[r][0] = Arithmetic::add_product(sums[r][0], number, left);
      sums[r][1] = Arithmetic::add_product(sums[r][1], number, right);
    }
    for (int base = 0; base < kBases; ++base) ++x[base];
  }
  for (int r = 0; r < Rows; ++r) {
    store(tile.results + r * tile.result_stride, sums[r][0]);
    store(tile.results + r * tile.result_stride + kLanes, sums[r][1]);
  }
}

/// By rows - 1. One a row count, spelled out: see attention_rows.cc on what a header may give here.
template <class Arithmetic>
constexpr void (*kTileFunctions[])(const Tile<typename Arithmetic::Number>&) = {
    &tile_product<Arithmetic, 1>,  &tile_product<Arithmetic, 2>,
#if defined(__AVX512F__) || defined(__AVX2__)
    &tile_product<Arithmetic, 3>,  &tile_product<Arithmetic, 4>,  &tile_product<Arithmetic, 5>, &tile_product<Arithmetic, 6>,
#endif
#if defined(__AVX512F__)
    &tile_product<Arithmetic, 7>,  &tile_product<Arithmetic, 8>,  &tile_product<Arithmetic, 9>, &tile_product<Arithmetic, 10>,
    &tile_product<Arithmetic, 11>, &tile_product<Arithmetic, 12>,
#endif
};

/// x and the panels hold the same numbers.
template <class Arithmetic>
using Product = PanelProduct<typename Arithmetic::Number, typename Arithmetic::Number>;

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

template <class Arithmetic>
void whole_panel(const Product<Arithmetic>& product, const Tiles& tiles, std::int64_t index, std::int64_t k, std::int64_t depth) {
  static constexpr float kZeros[kWidth] = {};
  const std::int64_t step = tiles.count < kFetchingTiles ? kWidth : kWidth / kFetchingTiles;
  const auto* const panel = product.panels + (index * product.depth + k) * kWidth;
  const auto* ahead = panel + product.depth * kWidth;
  const auto* const fetched = ahead + depth * kWidth;
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i);
    const float* const bias = product.bias ? product.bias + index * kWidth : kZeros;
    kTileFunctions<Arithmetic>[tiles.first(i + 1) - row - 1]({.x = product.x + row * product.depth + k,
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

template <class Arithmetic>
void whole_panels(const Product<Arithmetic>& product) {
  const Tiles tiles(product.rows);
  for (std::int64_t k = 0; k == 0 || k < product.depth; k += kDepthBlock) {
    const std::int64_t depth = least(kDepthBlock, product.depth - k);
    for (std::int64_t index = product.first; index < product.last; ++index) whole_panel<Arithmetic>(product, tiles, index, k, depth);
  }
}

/// The last panel where it has outputs that the weight lacks: a tile after the other as a whole one, in memory that has room for them.
template <class Arithmetic>
void part_panel(const Product<Arithmetic>& product, std::int64_t index) {
  const std::int64_t outputs = product.outputs - index * kWidth;
  float bias[kWidth] = {}, results[kTileRows * kWidth];
  if (product.bias) copy(product.bias + index * kWidth, outputs, bias);
  const Tiles tiles(product.rows);
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i), rows = tiles.first(i + 1) - row;
    whole_panels<Arithmetic>({.x = product.x + row * product.depth,
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

/// All panels of the product, in an order that does not depend on the rows that are computed together.
template <class Arithmetic>
void panel_product(const Product<Arithmetic>& product) {
  if (product.rows == 0) return;
  auto whole = product;
  whole.last = least(product.last, product.outputs / kWidth);
  whole_panels<Arithmetic>(whole);
  if (whole.last < product.last) part_panel<Arithmetic>(product, whole.last);
}

}  // namespace

}  // namespace interrogator::ops::simd
