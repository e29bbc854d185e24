// JavaScript values into the core's types and back. Everything but to_bytes() copies; what does not fit throws
// Error(kInvalidArgument) that names the argument, what was expected and what came.
#pragma once

#include <napi.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "interrogator/error.h"
#include "interrogator/token_lists.h"

namespace interrogator::binding {

/// "threads: expected a whole number from 0 to 1024, got NaN"
[[noreturn]] void invalid(const std::string& argument, const std::string& expected, Napi::Value got);
[[noreturn]] void invalid(const std::string& argument, const std::string& what_is_wrong);

std::int64_t to_integer(Napi::Value value, const std::string& argument, std::int64_t lowest, std::int64_t highest);
std::string to_string(Napi::Value value, const std::string& argument);
std::filesystem::path to_path(Napi::Value value, const std::string& argument);
std::vector<std::int32_t> to_int32s(Napi::Value value, const std::string& argument);
std::vector<float> to_floats(Napi::Value value, const std::string& argument);

/// {ids, offsets}; ids are checked against the model's vocabulary, because an index out of range reaches memory.
TokenLists to_token_lists(Napi::Value value, const std::string& argument, std::int64_t vocab_size);
void check_ids(const std::vector<std::int32_t>& ids, const std::string& argument, std::int64_t end);

/// The elements of a Uint8Array or Uint8ClampedArray where they lie: not copied, and gone as soon as JavaScript wants.
std::span<const std::uint8_t> to_bytes(Napi::Value value, const std::string& argument);

/// An options object: absent fields are undefined; null and undefined count as {}.
class OptionsReader {
 public:
  OptionsReader(Napi::Value value, const std::string& argument);
  /// Returns `absent` where the field is undefined.
  std::int64_t integer(const char* field, std::int64_t absent, std::int64_t lowest, std::int64_t highest) const;
  double number(const char* field, double absent) const;
  bool boolean(const char* field, bool absent) const;
  /// Empty where the field is undefined.
  std::vector<std::int32_t> int32s(const char* field) const;
  std::string string(const char* field) const;
  Napi::Value get(const char* field) const;

 private:
  Napi::Env env_;
  Napi::Object object_;
};

Napi::Value from_int32s(Napi::Env env, const std::vector<std::int32_t>& values);
Napi::Value from_floats(Napi::Env env, const std::vector<float>& values);

/// Runs inside a catch block: what JavaScript hears. An Error with `code`, named AbortError where it is one; what JavaScript threw itself
/// stays as it is.
Napi::Value caught(Napi::Env env);

/// The body of a synchronous method: what it throws becomes a JavaScript error with a code.
template <class Body>
auto checked(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (...) {
    throw Napi::Error(env, caught(env));
  }
}

/// The body of a promise-returning method: what it throws becomes a rejection.
template <class Body>
Napi::Value promised(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (...) {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(caught(env));
    return deferred.Promise();
  }
}

/// A function of the addon that gives a promise.
template <auto call>
Napi::Value promising(const Napi::CallbackInfo& info) {
  return promised(info.Env(), [&] { return call(info); });
}

}  // namespace interrogator::binding
