// JSON that comes from a file, so that it may be anything.
#pragma once

#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

namespace interrogator {

/// One whole JSON value, nested at most 64 deep, of at most `most` values and keys in all: each takes many times its text in memory.
/// Throws std::runtime_error saying what is wrong with the text.
nlohmann::json read_json(std::string_view text, std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace interrogator
