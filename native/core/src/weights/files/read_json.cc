#include "weights/files/read_json.h"

#include <stdexcept>
#include <string>

namespace interrogator {

using nlohmann::json;

nlohmann::json read_json(std::string_view text, std::size_t most) {
  constexpr int kDeepest = 64;
  std::size_t count = 0;
  const auto within_limits = [&](int depth, json::parse_event_t event, json&) {
    const bool opens = event == json::parse_event_t::array_start || event == json::parse_event_t::object_start;
    if (opens && depth >= kDeepest) throw std::runtime_error("it is nested more than " + std::to_string(kDeepest) + " deep");
    if (++count > most) throw std::runtime_error("it holds more than " + std::to_string(most) + " values");
    return true;
  };
  try {
    return json::parse(text, within_limits);
  } catch (const json::exception& wrong) {
    const std::string message = wrong.what();  // "[json.exception.parse_error.101] parse error at line 1 …"
    throw std::runtime_error(message.substr(message.find("] ") + 2));
  }
}

}  // namespace interrogator
