// A small JSON reader (RFC 8259) for manifests and safetensors headers. libtorch ships none.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace interrogator {

/// What is wrong and at which byte; the caller knows which file it was reading.
class JsonError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;  ///< in the order of the text; names are unique

  /// One whole JSON value in UTF-8, nested at most 64 deep. Throws JsonError.
  static Json parse(std::string_view text);

  bool is_null() const noexcept { return std::holds_alternative<std::nullptr_t>(value_); }
  const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
  const double* number() const noexcept { return std::get_if<double>(&value_); }
  const std::string* string() const noexcept { return std::get_if<std::string>(&value_); }
  const Array* array() const noexcept { return std::get_if<Array>(&value_); }
  const Object* object() const noexcept { return std::get_if<Object>(&value_); }

  /// The member of that name; null where this is no object or lacks it.
  const Json* find(std::string_view name) const noexcept;
  /// The number where it is a whole one that a double holds exactly; else false.
  bool integer(std::int64_t& value) const noexcept;
  /// A few words on what this is, for messages: `"text"`, `12`, `an object`.
  std::string describe() const;

 private:
  friend class JsonParser;
  std::variant<std::nullptr_t, bool, double, std::string, Array, Object> value_ = nullptr;
};

}  // namespace interrogator
