// Decoded pixels as the caller holds them.
#pragma once

#include <cstdint>
#include <memory>

namespace interrogator {

/// In pixels, of an image that can be resized: up to four weights for each pixel of a side have 32-bit numbers.
inline constexpr std::int64_t kLongestSide = std::int64_t{1} << 28;

/// 8-bit RGB, row-major, height × width × 3, no padding between rows. Not owned.
struct ImageView {
  const std::uint8_t* data = nullptr;
  std::int64_t width = 0, height = 0;
};

/// The same with what keeps the pixels there, for a job that outlives the call.
struct SharedImage {
  ImageView view;
  std::shared_ptr<const void> owner;
};

}  // namespace interrogator
