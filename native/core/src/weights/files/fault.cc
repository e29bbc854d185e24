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
  std::string text = "[";
  for (const std::int64_t side : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(side);
  return text + ']';
}

}  // namespace interrogator
