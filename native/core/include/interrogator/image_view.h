// Decoded pixels as the caller holds them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace interrogator {

/// 8-bit RGB, row-major, height × width × 3, no padding between rows. Not owned.
struct ImageView {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;  ///< bytes; must equal width*height*3
  std::int64_t width = 0, height = 0;
};

}  // namespace interrogator
