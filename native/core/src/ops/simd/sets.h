// The instruction sets that inner loops are built for (cmake/SimdBuilds.cmake).
#pragma once

namespace interrogator::ops {

/// kBaseline is what every processor of this architecture has: SSE2 on x86. Each set includes those before it.
enum class SimdSet { kBaseline, kAvx2, kAvx512 };

/// The fastest that this processor has and ATEN_CPU_CAPABILITY (default, avx2 or avx512; libtorch obeys it too) allows. kAvx2 stands for
/// AVX2, FMA and F16C; kAvx512 for AVX-512 F and DQ besides.
SimdSet best_simd_set() noexcept;

/// Whether the processor multiplies bfloat16 (AVX512_BF16), and AVX-512 is allowed.
bool has_bfloat16_products() noexcept;

/// set: at most the best.
template <class Function>
Function choose(SimdSet set, Function baseline, Function avx2, Function avx512) {
  return set == SimdSet::kAvx512 ? avx512 : set == SimdSet::kAvx2 ? avx2 : baseline;
}

}  // namespace interrogator::ops

// The build for `set` of a function that has one for each: INTERROGATOR_CHOOSE(set, simd::attend_rows).
#ifdef INTERROGATOR_X86_SIMD
#define INTERROGATOR_CHOOSE(set, name) ::interrogator::ops::choose(set, &name##_baseline, &name##_avx2, &name##_avx512)
#else
#define INTERROGATOR_CHOOSE(set, name) ::interrogator::ops::choose(set, &name##_baseline, &name##_baseline, &name##_baseline)
#endif
