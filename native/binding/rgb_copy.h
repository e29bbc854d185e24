// Raw 8-bit pixels into RGB, over several threads: what a caller waits for while its image is copied.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace interrogator::binding {

using Rgb = std::array<std::uint8_t, 3>;

/// channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA, interleaved. Writes 3 bytes a pixel. Alpha is dropped, as in Pillow's convert('RGB'),
/// or with a background blended with it, as in Pillow's paste(image, mask=alpha).
void copy_to_rgb(const std::uint8_t* from, std::size_t pixels, int channels, std::optional<Rgb> background, std::uint8_t* to);

}  // namespace interrogator::binding
