#include "interrogator/error.h"
#include "ops/simd/sets.h"

namespace interrogator::ops {

SimdSet best_simd_set() noexcept {
#ifdef INTERROGATOR_X86_SIMD
  static const SimdSet best = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return SimdSet::kAvx512;
    return avx2 ? SimdSet::kAvx2 : SimdSet::kBaseline;
  }();
  return best;
#else
  return SimdSet::kBaseline;
#endif
}

std::vector<SimdSet> simd_sets_here() {
  std::vector<SimdSet> sets;
  for (const SimdSet set : {SimdSet::kBaseline, SimdSet::kAvx2, SimdSet::kAvx512}) {
    if (set <= best_simd_set()) sets.push_back(set);
  }
  return sets;
}

void refuse_missing(SimdSet set) {
  if (set > best_simd_set()) {
    throw Error(ErrorCode::kInvalidArgument,
                set == SimdSet::kAvx512 ? "this processor lacks AVX-512 F and DQ" : "this processor lacks AVX2, FMA or F16C");
  }
}

}  // namespace interrogator::ops
