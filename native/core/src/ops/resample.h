// Pillow's 8-bit resampling: which source pixels make a resized one, with what weights. For the processor and for CUDA alike.
#pragma once

#include <cstdint>
#include <vector>

namespace interrogator::ops {

// src/libImaging/Resample.c: weights are normalised in double, rounded to 22 fractional bits, and each of the two
// passes rounds its sums back to 8 bits.
inline constexpr int kFractionBits = 32 - 8 - 2;

enum class Filter { kBilinear, kBicubic };

/// Which source pixels make output pixel i of a window, and with what weights.
struct Taps {
  std::vector<std::int32_t> first;    ///< source pixel of the first weight
  std::vector<std::int32_t> offsets;  ///< weights[offsets[i] .. offsets[i+1])
  std::vector<std::int32_t> weights;

  std::int32_t count(std::size_t i) const { return offsets[i + 1] - offsets[i]; }
};

/// One side of a window into an image resized from `source` to `resized` pixels, `offset` of them before the window (a negative number:
/// the window begins before them).
struct Side {
  Side(std::int64_t source, std::int64_t resized, std::int64_t offset, std::int64_t window, Filter filter);

  std::int64_t window = 0, count = 0;  ///< the resized image covers so many pixels of the window, from here on
  std::int64_t first = 0, size = 0;    ///< the source pixels that make them
  Taps taps;                           ///< of `count` pixels, from source pixel `first` on
};

/// Which pass Pillow 13 runs first shows in the result: each rounds to 8 bits.
bool vertical_first(std::int64_t width, std::int64_t height, std::int64_t resized_width, std::int64_t resized_height);

}  // namespace interrogator::ops
