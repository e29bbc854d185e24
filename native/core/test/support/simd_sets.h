// The instruction sets that inner loops can be tried with here.
#pragma once

#include <vector>

#include "ops/simd/sets.h"

namespace interrogator::ops {

/// All up to the best, rising.
inline std::vector<SimdSet> simd_sets_here() {
  std::vector<SimdSet> sets;
  for (const SimdSet set : {SimdSet::kBaseline, SimdSet::kAvx2, SimdSet::kAvx512}) {
    if (set <= best_simd_set()) sets.push_back(set);
  }
  return sets;
}

}  // namespace interrogator::ops
