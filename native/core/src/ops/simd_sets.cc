#include "ops/simd/sets.h"

#include <ATen/Version.h>

#include <string>

namespace interrogator::ops {

SimdSet best_simd_set() noexcept {
  static const SimdSet best = [] {
    const std::string capability = at::get_cpu_capability();
    return capability == "AVX512" ? SimdSet::kAvx512 : capability == "AVX2" ? SimdSet::kAvx2 : SimdSet::kBaseline;
  }();
  return best;
}

}  // namespace interrogator::ops
