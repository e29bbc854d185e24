// Built once an instruction set, see attention_rows.cc.
#include "ops/simd/packed_product.h"

#include "ops/simd/panels.h"
#include "ops/simd/vector.h"

namespace interrogator::ops::simd {

namespace {

struct Float {
  using Number = float;
  static Vector load(const float* from) { return simd::load(from); }
  static Vector broadcast(float value) { return simd::broadcast(value); }
  static Vector add_product(Vector sum, Vector a, Vector b) { return sum + a * b; }
};

}  // namespace

std::int64_t INTERROGATOR_SIMD_NAME(panel_width)() { return kWidth; }

void INTERROGATOR_SIMD_NAME(packed_product)(const PackedProduct& product) { panel_product<Float>(product); }

}  // namespace interrogator::ops::simd
