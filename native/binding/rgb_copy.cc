#include "rgb_copy.h"

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>
#include <vector>

namespace interrogator::binding {

namespace {

constexpr std::size_t kPixelsAThread = std::size_t{1} << 20;  // below that, starting a thread costs more than it saves
constexpr std::size_t kMostThreads = 8;                       // memory is the limit beyond that

/// Runs body(begin, end) for equal parts of the pixels, the first on the calling thread.
template <class Body>
void in_parts(std::size_t pixels, const Body& body) {
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t parts = std::clamp(pixels / kPixelsAThread, std::size_t{1}, std::min(cores, kMostThreads));
  const auto run = [&](std::size_t part) { body(pixels * part / parts, pixels * (part + 1) / parts); };
  std::vector<std::thread> threads;
  threads.reserve(parts - 1);
  for (std::size_t part = 1; part < parts; ++part) {
    try {
      threads.emplace_back(run, part);
    } catch (const std::system_error&) {
      run(part);  // the process may start no more threads
    }
  }
  run(0);
  for (std::thread& thread : threads) thread.join();
}

/// A pixel is computed as 4 bytes, of which the first 3 count; all but the last are stored whole, the next pixel over the fourth byte.
template <class Pixel>
void fill(std::uint8_t* to, std::size_t begin, std::size_t end, const Pixel& pixel) {
  for (std::size_t i = begin; i + 1 < end; ++i) {
    const std::uint32_t rgb = pixel(i);
    std::memcpy(to + 3 * i, &rgb, 4);
  }
  const std::uint32_t last = pixel(end - 1);
  std::memcpy(to + 3 * (end - 1), &last, 3);
}

std::uint32_t load(const std::uint8_t* from) {
  std::uint32_t value;
  std::memcpy(&value, from, 4);
  return value;
}

/// Two 8-bit channels in the low bytes of two 16-bit halves: over * alpha + under * (255 - alpha), divided by 255 and rounded as Pillow
/// does.
std::uint32_t blend(std::uint32_t over, std::uint32_t under, std::uint32_t alpha) {
  const std::uint32_t sum = over * alpha + under * (255 - alpha) + 0x00800080;
  return ((sum + ((sum >> 8) & 0x00ff00ff)) >> 8) & 0x00ff00ff;
}

}  // namespace

void copy_to_rgb(const std::uint8_t* from, std::size_t pixels, int channels, std::optional<Rgb> background, std::uint8_t* to) {
  // Of the 4 bytes the lowest comes first in memory: the platforms of this package are little-endian.
  const auto grey = [](std::uint32_t value) { return value * 0x00010101; };
  const Rgb ground = background.value_or(Rgb{});
  const std::uint32_t ground_rb = ground[0] | static_cast<std::uint32_t>(ground[2]) << 16;
  const std::uint32_t ground_g = ground[1];
  const auto over_ground = [=](std::uint32_t rgb, std::uint32_t alpha) {
    if (alpha == 255) return rgb;  // most pixels of most images
    return blend(rgb & 0x00ff00ff, ground_rb, alpha) | blend((rgb >> 8) & 0xff, ground_g, alpha) << 8;
  };
  in_parts(pixels, [&](std::size_t begin, std::size_t end) {
    switch (channels) {
      case 1: return fill(to, begin, end, [&](std::size_t i) { return grey(from[i]); });
      case 2:
        if (background) return fill(to, begin, end, [&](std::size_t i) { return over_ground(grey(from[2 * i]), from[2 * i + 1]); });
        return fill(to, begin, end, [&](std::size_t i) { return grey(from[2 * i]); });
      case 4:
        if (background) return fill(to, begin, end, [&](std::size_t i) { return over_ground(load(from + 4 * i), from[4 * i + 3]); });
        return fill(to, begin, end, [&](std::size_t i) { return load(from + 4 * i); });
      default: std::memcpy(to + 3 * begin, from + 3 * begin, 3 * (end - begin));
    }
  });
}

}  // namespace interrogator::binding
