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

bool has_bfloat16_products() noexcept {
#ifdef INTERROGATOR_X86_SIMD
  static const bool has = best_simd_set() == SimdSet::kAvx512 && __builtin_cpu_supports("avx512bf16");
  return has;
#else
  return false;
#endif
}

}  // namespace interrogator::ops
