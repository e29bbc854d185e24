#include "convert.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace interrogator::binding {

namespace {

constexpr std::size_t kLongestQuote = 60;

std::string in_words(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() ? std::string(text.data(), end) : "a number";
}

/// By napi_typedarray_type.
constexpr const char* kArrays[] = {"an Int8Array",  "a Uint8Array",  "a Uint8ClampedArray", "an Int16Array", "a Uint16Array",
                                   "an Int32Array", "a Uint32Array", "a Float32Array",      "a Float64Array"};

std::string in_words(const Napi::TypedArray& array) {
  const auto type = static_cast<std::size_t>(array.TypedArrayType());
  return type < std::size(kArrays) ? kArrays[type] : "a typed array of another kind";
}

std::string in_words(Napi::Value value) {
  if (value.IsEmpty() || value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsBoolean()) return value.As<Napi::Boolean>() ? "true" : "false";
  if (value.IsNumber()) return in_words(value.As<Napi::Number>().DoubleValue());
  if (value.IsString()) {
    const std::string text = value.As<Napi::String>();
    return text.size() <= kLongestQuote ? "'" + text + "'" : "a string of " + std::to_string(text.size()) + " bytes";
  }
  if (value.IsTypedArray()) return in_words(value.As<Napi::TypedArray>());
  if (value.IsArray()) return "an array";
  if (value.IsFunction()) return "a function";
  if (value.IsPromise()) return "a promise (is an await missing?)";
  if (value.IsObject()) return "an object";
  if (value.IsBigInt()) return "a bigint";
  return "a symbol";
}

/// The elements of a typed array of the wanted kind where they lie, whatever buffer that is.
template <class Element>
std::span<const Element> elements(Napi::Value value, const std::string& argument, napi_typedarray_type wanted) {
  napi_typedarray_type type = wanted;
  std::size_t length = 0;
  void* data = nullptr;
  const bool read =
      value.IsTypedArray() && napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) == napi_ok;
  const bool fits = type == wanted || (type == napi_uint8_clamped_array && wanted == napi_uint8_array);
  if (!read || !fits) invalid(argument, kArrays[wanted], value);
  // The pointer is null where the array is empty or its buffer was transferred away.
  return {static_cast<const Element*>(data), data == nullptr ? 0 : length};
}

template <class Array, class Element>
Napi::Value new_array(Napi::Env env, const std::vector<Element>& values) {
  auto array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size() * sizeof(Element));
  return array;
}

}  // namespace

void invalid(const std::string& argument, const std::string& expected, Napi::Value got) {
  throw Error(ErrorCode::kInvalidArgument, argument + ": expected " + expected + ", got " + in_words(got));
}

void invalid(const std::string& argument, const std::string& what_is_wrong) {
  throw Error(ErrorCode::kInvalidArgument, argument + ": " + what_is_wrong);
}

std::int64_t to_integer(Napi::Value value, const std::string& argument, std::int64_t lowest, std::int64_t highest) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::numeric_limits<double>::quiet_NaN();
  // Compared as doubles, because a cast of NaN or of a number out of range is undefined. -0 is 0.
  if (!(number >= static_cast<double>(lowest) && number <= static_cast<double>(highest)) || std::trunc(number) != number) {
    invalid(argument, "a whole number from " + std::to_string(lowest) + " to " + std::to_string(highest), value);
  }
  return static_cast<std::int64_t>(number);
}

std::string to_string(Napi::Value value, const std::string& argument) {
  if (!value.IsString()) invalid(argument, "a string", value);
  return value.As<Napi::String>();
}

std::filesystem::path to_path(Napi::Value value, const std::string& argument) {
  if (!value.IsString()) invalid(argument, "a path", value);
  const std::string text = value.As<Napi::String>();
  // Linux takes no longer one, and error texts quote it.
  if (text.empty() || text.size() > 4096) invalid(argument, "a path", value);
  if (text.find('\0') != std::string::npos) invalid(argument, "a path must not contain a NUL character");
  return std::filesystem::path(std::u8string(text.begin(), text.end()));
}

std::vector<std::int32_t> to_int32s(Napi::Value value, const std::string& argument) {
  const auto given = elements<std::int32_t>(value, argument, napi_int32_array);
  return {given.begin(), given.end()};
}

std::vector<float> to_floats(Napi::Value value, const std::string& argument) {
  const auto given = elements<float>(value, argument, napi_float32_array);
  return {given.begin(), given.end()};
}

void check_ids(const std::vector<std::int32_t>& ids, const std::string& argument, std::int64_t end) {
  const auto wrong = std::find_if(ids.begin(), ids.end(), [end](std::int32_t id) { return id < 0 || id >= end; });
  if (wrong == ids.end()) return;
  invalid(argument + "[" + std::to_string(wrong - ids.begin()) + "]",
          "expected 0 to " + std::to_string(end - 1) + ", got " + std::to_string(*wrong));
}

TokenLists to_token_lists(Napi::Value value, const std::string& argument, std::int64_t vocab_size) {
  if (!value.IsObject()) invalid(argument, "{ids, offsets}", value);
  const auto object = value.As<Napi::Object>();
  TokenLists lists{to_int32s(object.Get("ids"), argument + ".ids"), to_int32s(object.Get("offsets"), argument + ".offsets")};
  const std::vector<std::int32_t>& offsets = lists.offsets;
  const bool spans = !offsets.empty() && offsets.front() == 0 && static_cast<std::size_t>(offsets.back()) == lists.ids.size() &&
                     std::is_sorted(offsets.begin(), offsets.end());
  if (!spans) {
    invalid(argument + ".offsets",
            "expected one entry more than there are texts, rising from 0 to ids.length (" + std::to_string(lists.ids.size()) + ")");
  }
  check_ids(lists.ids, argument + ".ids", vocab_size);
  return lists;
}

std::span<const std::uint8_t> to_bytes(Napi::Value value, const std::string& argument) {
  return elements<std::uint8_t>(value, argument, napi_uint8_array);
}

OptionsReader::OptionsReader(Napi::Value value, const std::string& argument) : env_(value.Env()) {
  if (value.IsUndefined() || value.IsNull()) return;
  if (!value.IsObject()) invalid(argument, "an object", value);
  object_ = value.As<Napi::Object>();
}

Napi::Value OptionsReader::get(const char* field) const { return object_.IsEmpty() ? env_.Undefined() : object_.Get(field); }

std::int64_t OptionsReader::integer(const char* field, std::int64_t absent, std::int64_t lowest, std::int64_t highest) const {
  const Napi::Value value = get(field);
  return value.IsUndefined() ? absent : to_integer(value, field, lowest, highest);
}

double OptionsReader::number(const char* field, double absent) const {
  const Napi::Value value = get(field);
  if (value.IsUndefined()) return absent;
  if (!value.IsNumber()) invalid(field, "a number", value);
  return value.As<Napi::Number>().DoubleValue();
}

std::vector<std::int32_t> OptionsReader::int32s(const char* field) const {
  const Napi::Value value = get(field);
  return value.IsUndefined() ? std::vector<std::int32_t>() : to_int32s(value, field);
}

bool OptionsReader::boolean(const char* field, bool absent) const {
  const Napi::Value value = get(field);
  if (value.IsUndefined()) return absent;
  if (!value.IsBoolean()) invalid(field, "true or false", value);
  return value.As<Napi::Boolean>();
}

std::string OptionsReader::string(const char* field) const {
  const Napi::Value value = get(field);
  return value.IsUndefined() ? std::string() : to_string(value, field);
}

Napi::Value from_int32s(Napi::Env env, const std::vector<std::int32_t>& values) { return new_array<Napi::Int32Array>(env, values); }

Napi::Value from_floats(Napi::Env env, const std::vector<float>& values) { return new_array<Napi::Float32Array>(env, values); }

Napi::Value caught(Napi::Env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (...) {
    const Error error = current_error();
    Napi::Object value = Napi::Error::New(env, error.what()).Value();
    value.Set("code", std::string(code_name(error.code())));
    if (error.code() == ErrorCode::kAborted) value.Set("name", "AbortError");
    return value;
  }
}

}  // namespace interrogator::binding
