// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/byte_vector.h"
#include "ops/simd/packed_product.h"

namespace interrogator::ops::simd {

namespace {

constexpr int kWidth = 2 * kLanes;
constexpr int kAtOnce = 4;  // of depth: each has sums of its own, so that none waits for the one before it
constexpr float kLargest = 127;

void panel_product(const float* x, std::int64_t depth, const std::int8_t* panel, const float* bias, float* results) {
  Vector sums[kAtOnce][2] = {};
  const std::int64_t whole = depth / kAtOnce * kAtOnce;
  std::int64_t k = 0;
  for (; k < whole; k += kAtOnce) {
    prefetch(panel + (k + 64) * kWidth);
    for (int i = 0; i < kAtOnce; ++i) {
      const Vector number = broadcast(x[k + i]);
      const std::int8_t* const values = panel + (k + i) * kWidth;
      sums[i][0] += number * load_bytes(values);
      sums[i][1] += number * load_bytes(values + kLanes);
    }
  }
  for (; k < depth; ++k) {
    const Vector number = broadcast(x[k]);
    sums[0][0] += number * load_bytes(panel + k * kWidth);
    sums[0][1] += number * load_bytes(panel + k * kWidth + kLanes);
  }
  const auto* const scales = reinterpret_cast<const float*>(panel + depth * kWidth);
  for (int half = 0; half < 2; ++half) {
    const Vector sum = (sums[0][half] + sums[1][half]) + (sums[2][half] + sums[3][half]);
    store(results + half * kLanes, load(bias + half * kLanes) + sum * load(scales + half * kLanes));
  }
}

}  // namespace

void INTERROGATOR_SIMD_NAME(byte_product)(const ByteProduct& product) {
  for (std::int64_t index = product.first; index < product.last; ++index) {
    const std::int64_t start = index * kWidth;
    const std::int64_t here = product.outputs - start < kWidth ? product.outputs - start : kWidth;
    float bias[kWidth] = {}, results[kWidth];
    for (std::int64_t i = 0; product.bias && i < here; ++i) bias[i] = product.bias[start + i];
    for (std::int64_t row = 0; row < product.rows; ++row) {
      panel_product(product.x + row * product.depth, product.depth, product.panels + index * (product.depth + kScaleBytes) * kWidth, bias,
                    results);
      float* const to = product.results + row * product.outputs + start;
      for (std::int64_t i = 0; i < here; ++i) to[i] = results[i];
    }
  }
}

void INTERROGATOR_SIMD_NAME(quantize_panel)(const float* panel, std::int64_t depth, std::int8_t* quantized) {
  for (int half = 0; half < 2; ++half) {
    const float* const from = panel + half * kLanes;
    std::int8_t* const to = quantized + half * kLanes;
    Vector largest = broadcast(1e-30F);  // not 0: it divides
    for (std::int64_t k = 0; k < depth; ++k) {
      const Vector values = load(from + k * kWidth);
      largest = larger(largest, larger(values, -values));
    }
    const Vector scale = largest * (1 / kLargest), steps = kLargest / largest;
    for (std::int64_t k = 0; k < depth; ++k) store_bytes(to + k * kWidth, load(from + k * kWidth) * steps);
    store(reinterpret_cast<float*>(quantized + depth * kWidth) + half * kLanes, scale);
  }
}

}  // namespace interrogator::ops::simd
