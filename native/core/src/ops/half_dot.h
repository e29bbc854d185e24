// Dot products of one float16 row with float32 features: the inner loop of ranking.
#pragma once

#include <cstdint>

namespace interrogator::ops {

/// Which implementation runs. kPlain is what the others are tested against.
enum class HalfDotKernel { kPlain, kAvx2 };

/// The fastest that this processor has.
HalfDotKernel best_half_dot_kernel() noexcept;

/// results[b] = row · features[b], for batch features of dim numbers each, one after another;
/// accumulated in float32.
using HalfDot = void (*)(const std::uint16_t* row, const float* features, std::int64_t dim, std::int64_t batch, float* results);

/// Throws Error(kInvalidArgument) where this processor cannot run it.
HalfDot half_dot(HalfDotKernel kernel);

}  // namespace interrogator::ops
