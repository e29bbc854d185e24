// How decoded RGB becomes model input.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace interrogator {

struct ImagePreprocess {
  std::int64_t height = 0, width = 0;
  std::array<float, 3> mean{}, std{};
  std::string interpolation;   ///< 'bicubic' | 'bilinear' (Pillow's, antialiased, on 8-bit)
  std::string resize_mode;     ///< 'shortest' (then centre crop) | 'longest' (then pad) | 'squash'
  std::uint8_t fill = 0;       ///< padding value where the crop leaves the image
  std::string crop = "round";  ///< where a centre crop with an odd pixel begins: 'round' as torchvision (half to even) | 'floor'
};

}  // namespace interrogator
