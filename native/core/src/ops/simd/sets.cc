#include "ops/simd/sets.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "interrogator/error.h"

namespace interrogator::ops {

#ifdef INTERROGATOR_X86_SIMD

namespace {

/// libtorch's own variable: whoever holds libtorch to an instruction set means us too.
SimdSet most_allowed() noexcept {
  const char* const named = std::getenv("ATEN_CPU_CAPABILITY");
  if (named && std::string_view(named) == "default") return SimdSet::kBaseline;
  if (named && std::string_view(named) == "avx2") return SimdSet::kAvx2;
  return SimdSet::kAvx512;
}

}  // namespace

#endif

SimdSet best_simd_set() noexcept {
#ifdef INTERROGATOR_X86_SIMD
  static const SimdSet best = [] {
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    return std::min(most_allowed(), avx512 ? SimdSet::kAvx512 : avx2 ? SimdSet::kAvx2 : SimdSet::kBaseline);
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
