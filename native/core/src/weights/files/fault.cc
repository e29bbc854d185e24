#include "weights/files/fault.h"

#include <algorithm>
#include <stdexcept>

namespace interrogator {

void refuse(const std::string& what) { throw std::runtime_error(what); }

std::string in_quotes(std::string_view name) {
  constexpr std::size_t kLongest = 120;
  std::string text(name.substr(0, kLongest));
  std::replace_if(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return '\'' + text + (name.size() > kLongest ? "…'" : "'");
}

std::string in_brackets(const std::vector<std::int64_t>& shape) {
  constexpr std::size_t kMostSides = 16;
  std::string text = "[";
  for (std::size_t i = 0; i < std::min(shape.size(), kMostSides); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.size() > kMostSides ? ", …]" : "]");
}

}  // namespace interrogator
