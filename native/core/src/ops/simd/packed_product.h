// x · weightᵀ for a weight packed in panels: the inner loop of linear layers.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned. A panel holds `width` outputs of the weight, depth × width, one after another; the last one is
/// filled up with zeros.
struct PackedProduct {
  const float* x = nullptr;  ///< rows × depth
  std::int64_t rows = 0, depth = 0;
  const float* panels = nullptr;     ///< all of the weight's
  std::int64_t first = 0, last = 0;  ///< the panels to compute
  std::int64_t outputs = 0;          ///< of the whole weight
  const float* bias = nullptr;       ///< outputs, or null for none
  float* results = nullptr;          ///< rows × outputs
};

/// Outputs of a panel: two vectors.
std::int64_t panel_width_baseline() noexcept;
std::int64_t panel_width_avx2() noexcept;
std::int64_t panel_width_avx512() noexcept;

/// Accumulated in float32, from the first of depth to the last: a result does not depend on the rows computed with it.
/// The same source is built for each instruction set.
using PackedProductFunction = void (*)(const PackedProduct&);
void packed_product_baseline(const PackedProduct& product);
void packed_product_avx2(const PackedProduct& product);
void packed_product_avx512(const PackedProduct& product);

}  // namespace interrogator::ops::simd
