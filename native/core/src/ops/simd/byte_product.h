// x · weightᵀ for a weight of bytes: a quarter of the memory to read, and so a quarter of the time of a row alone.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// After the depth × width bytes of a panel come its width scales, each in as many bytes.
inline constexpr std::int64_t kScaleBytes = 4;

/// Pointers are not owned. A panel holds `width` outputs of the weight (packed_product.h): depth × width bytes, each a whole
/// number of its output's scale, then the scales as float32.
struct ByteProduct {
  const float* x = nullptr;  ///< rows × depth
  std::int64_t rows = 0, depth = 0;
  const std::int8_t* panels = nullptr;  ///< all of the weight's
  std::int64_t first = 0, last = 0;     ///< the panels to compute
  std::int64_t outputs = 0;             ///< of the whole weight
  const float* bias = nullptr;          ///< outputs, or null for none
  float* results = nullptr;             ///< rows × outputs
};

/// Accumulated in float32, in an order that does not depend on the other rows.
using ByteProductFunction = void (*)(const ByteProduct&);
void byte_product_baseline(const ByteProduct& product);
void byte_product_avx2(const ByteProduct& product);
void byte_product_avx512(const ByteProduct& product);

/// Quantizes a panel of float32, depth × width, to a panel of bytes: the scale of an output is its largest number / 127.
using QuantizePanelFunction = void (*)(const float* panel, std::int64_t depth, std::int8_t* quantized);
void quantize_panel_baseline(const float* panel, std::int64_t depth, std::int8_t* quantized);
void quantize_panel_avx2(const float* panel, std::int64_t depth, std::int8_t* quantized);
void quantize_panel_avx512(const float* panel, std::int64_t depth, std::int8_t* quantized);

}  // namespace interrogator::ops::simd
