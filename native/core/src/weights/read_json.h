// JSON that comes from a file, so that it may be anything.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace interrogator {

/// One whole JSON value, nested at most 64 deep. Throws std::runtime_error saying what is wrong with the text.
nlohmann::json read_json(std::string_view text);

}  // namespace interrogator
