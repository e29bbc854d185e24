// x · weightᵀ for a weight packed in panels, of float32, of bfloat16 or of bytes: the inner loop of linear layers.
#pragma once

#include <cstdint>

namespace interrogator::ops::simd {

/// Pointers are not owned. A panel holds `width` outputs of the weight, depth × width, one after another; the last one is
/// filled up with zeros. Of bytes it is a quarter of the memory to read, and so a quarter of the time of a row alone: each is a whole
/// number of its output's scale, and after them come the scales as float32.
template <class Number, class X = float>
struct PanelProduct {
  const X* x = nullptr;  ///< rows × depth
  std::int64_t rows = 0, depth = 0;
  const Number* panels = nullptr;    ///< all of the weight's
  std::int64_t first = 0, last = 0;  ///< the panels to compute
  std::int64_t outputs = 0;          ///< of the whole weight
  const float* bias = nullptr;       ///< outputs, or null for none
  float* results = nullptr;          ///< rows × outputs
};
using PackedProduct = PanelProduct<float>;
using ByteProduct = PanelProduct<std::int8_t>;
/// Two neighbours along depth in a number: depth counts pairs. Half the memory of float32.
using BFloat16Pair = std::uint32_t;
using BFloat16Product = PanelProduct<BFloat16Pair, BFloat16Pair>;

/// After the depth × width bytes of a panel come its width scales, each in as many bytes.
inline constexpr std::int64_t kScaleBytes = 4;

/// Outputs of a panel: two vectors.
using PanelWidth = std::int64_t();
PanelWidth panel_width_baseline, panel_width_avx2, panel_width_avx512;

/// Accumulated in float32, in an order that does not depend on the rows computed with it. The same source is built for each
/// instruction set.
using PackedProductFunction = void(const PackedProduct&);
PackedProductFunction packed_product_baseline, packed_product_avx2, packed_product_avx512;
using ByteProductFunction = void(const ByteProduct&);
ByteProductFunction byte_product_baseline, byte_product_avx2, byte_product_avx512;

/// Products of bfloat16, accumulated in float32 as the two above are: where has_bfloat16_products() (sets.h) alone. Panels are as wide as
/// those of AVX-512.
void bfloat16_product(const BFloat16Product& product);
/// The nearest bfloat16 of each number, ties to even; subnormal ones become 0.
void to_bfloat16(const float* from, std::int64_t count, std::uint16_t* to);

/// Quantizes a panel of float32, depth × width, to a panel of bytes: the scale of an output is its largest number / 127.
using QuantizePanelFunction = void(const float* panel, std::int64_t depth, std::int8_t* quantized);
QuantizePanelFunction quantize_panel_baseline, quantize_panel_avx2, quantize_panel_avx512;

}  // namespace interrogator::ops::simd
