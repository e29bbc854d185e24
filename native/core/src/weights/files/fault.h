// How readers of files say what is wrong with one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace interrogator {

/// Throws std::runtime_error; whoever knows the file's name puts it before the message.
[[noreturn]] void refuse(const std::string& what);

/// A name that a file made up, for a message: in quotes, of one line and of bounded length.
std::string in_quotes(std::string_view name);

/// "[768, 512]", of bounded length as well.
std::string in_brackets(const std::vector<std::int64_t>& shape);

}  // namespace interrogator
