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

/// Rows that are computed at once: their sums, two vectors of a panel and one number of x stay in registers.
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

/// By rows - 1: a Kernel has one for each row count, kTileFunctions, up to kTileRows.
template <class Number>
using TileFunction = void (*)(const Tile<Number>&);

inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

inline void copy(const float* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}

/// Rows as even as can be: 50 in tiles of at most 6 are five of 6 and four of 5, not eight and one of 2.
struct Tiles {
  Tiles(std::int64_t all, std::int64_t most) : rows(all), count((all + most - 1) / most) {}
  std::int64_t first(std::int64_t tile) const { return rows * tile / count; }
  const std::int64_t rows, count;
};

template <class Kernel>
void whole_panel(const PanelProduct<typename Kernel::Number, typename Kernel::Number>& product, const Tiles& tiles, std::int64_t index,
                 std::int64_t k, std::int64_t depth) {
  static constexpr float kZeros[kWidth] = {};
  const std::int64_t step = tiles.count < kFetchingTiles ? kWidth : kWidth / kFetchingTiles;
  const auto* const panel = product.panels + (index * product.depth + k) * kWidth;
  const auto* ahead = panel + product.depth * kWidth;
  const auto* const fetched = ahead + depth * kWidth;
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i);
    const float* const bias = product.bias ? product.bias + index * kWidth : kZeros;
    Kernel::kTileFunctions[tiles.first(i + 1) - row - 1]({.x = product.x + row * product.depth + k,
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

template <class Kernel>
void whole_panels(const PanelProduct<typename Kernel::Number, typename Kernel::Number>& product) {
  const Tiles tiles(product.rows, Kernel::kTileRows);
  for (std::int64_t k = 0; k == 0 || k < product.depth; k += kDepthBlock) {
    const std::int64_t depth = least(kDepthBlock, product.depth - k);
    for (std::int64_t index = product.first; index < product.last; ++index) whole_panel<Kernel>(product, tiles, index, k, depth);
  }
}

/// The last panel where it has outputs that the weight lacks: a tile after the other as a whole one, in memory that has room for them.
template <class Kernel>
void part_panel(const PanelProduct<typename Kernel::Number, typename Kernel::Number>& product, std::int64_t index) {
  const std::int64_t outputs = product.outputs - index * kWidth;
  float bias[kWidth] = {}, results[Kernel::kTileRows * kWidth];
  if (product.bias) copy(product.bias + index * kWidth, outputs, bias);
  const Tiles tiles(product.rows, Kernel::kTileRows);
  for (std::int64_t i = 0; i < tiles.count; ++i) {
    const std::int64_t row = tiles.first(i), rows = tiles.first(i + 1) - row;
    whole_panels<Kernel>({.x = product.x + row * product.depth,
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
template <class Kernel>
void panel_product(const PanelProduct<typename Kernel::Number, typename Kernel::Number>& product) {
  if (product.rows == 0) return;
  auto whole = product;
  whole.last = least(product.last, product.outputs / kWidth);
  whole_panels<Kernel>(whole);
  if (whole.last < product.last) part_panel<Kernel>(product, whole.last);
}

}  // namespace

}  // namespace interrogator::ops::simd
