#include "weights/json.h"

#include <charconv>
#include <cmath>
#include <unordered_set>

namespace interrogator {

namespace {

constexpr int kDeepest = 64;
constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

void append_utf8(std::string& text, std::uint32_t code) {
  const auto byte = [&](std::uint32_t bits) { text.push_back(static_cast<char>(bits)); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text) {}

  Json document() {
    Json result = value(0);
    skip_space();
    if (at_ != text_.size()) fail("something follows the value");
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw JsonError(what + " (at byte " + std::to_string(at_) + ")"); }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  char next() {
    if (at_ == text_.size()) fail("the text ends early");
    return text_[at_++];
  }

  bool take(char wanted) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  void expect(char wanted) {
    if (!take(wanted)) fail(at_ == text_.size() ? "the text ends early" : std::string("'") + wanted + "' is missing");
  }

  void word(std::string_view wanted) {
    if (text_.substr(at_, wanted.size()) != wanted) fail("no JSON value");
    at_ += wanted.size();
  }

  Json value(int depth) {
    if (depth > kDeepest) fail("nested too deeply");
    skip_space();
    if (at_ == text_.size()) fail("the text ends early");
    Json result;
    switch (text_[at_]) {
      case '{': result.value_ = object(depth); break;
      case '[': result.value_ = array(depth); break;
      case '"': result.value_ = string(); break;
      case 't': word("true"), result.value_ = true; break;
      case 'f': word("false"), result.value_ = false; break;
      case 'n': word("null"); break;
      default: result.value_ = number();
    }
    return result;
  }

  Json::Object object(int depth) {
    Json::Object members;
    std::unordered_set<std::string> names;
    expect('{');
    if (take('}')) return members;
    do {
      skip_space();
      std::string name = string();
      if (!names.insert(name).second) fail("the name \"" + name + "\" occurs twice");
      expect(':');
      members.emplace_back(std::move(name), value(depth + 1));
    } while (take(','));
    expect('}');
    return members;
  }

  Json::Array array(int depth) {
    Json::Array items;
    expect('[');
    if (take(']')) return items;
    do {
      items.push_back(value(depth + 1));
    } while (take(','));
    expect(']');
    return items;
  }

  std::uint32_t hex4() {
    std::uint32_t code = 0;
    if (text_.size() - at_ < 4) fail("the text ends early");
    const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + at_ + 4, code, 16);
    if (error != std::errc() || stop != text_.data() + at_ + 4) fail("a \\u escape needs four hexadecimal digits");
    at_ += 4;
    return code;
  }

  std::uint32_t escaped_code() {
    const std::uint32_t first = hex4();
    if (first >= 0xDC00 && first <= 0xDFFF) fail("half a surrogate pair");
    if (first < 0xD800 || first > 0xDBFF) return first;
    if (next() != '\\' || next() != 'u') fail("half a surrogate pair");
    const std::uint32_t second = hex4();
    if (second < 0xDC00 || second > 0xDFFF) fail("half a surrogate pair");
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
  }

  std::string string() {
    if (at_ == text_.size() || text_[at_] != '"') fail("a string is missing");
    ++at_;
    std::string result;
    for (;;) {
      const char c = next();
      if (c == '"') return result;
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      if (c != '\\') {
        result.push_back(c);
        continue;
      }
      switch (next()) {
        case '"': result.push_back('"'); break;
        case '\\': result.push_back('\\'); break;
        case '/': result.push_back('/'); break;
        case 'b': result.push_back('\b'); break;
        case 'f': result.push_back('\f'); break;
        case 'n': result.push_back('\n'); break;
        case 'r': result.push_back('\r'); break;
        case 't': result.push_back('\t'); break;
        case 'u': append_utf8(result, escaped_code()); break;
        default: fail("an unknown escape in a string");
      }
    }
  }

  bool digits() {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > start;
  }

  double number() {
    const std::size_t start = at_;
    const auto here = [&](char c) { return at_ < text_.size() && text_[at_] == c; };
    if (here('-')) ++at_;
    const bool zero = here('0');
    const std::size_t whole = at_;
    if (!digits() || (zero && at_ - whole > 1)) at_ = start, fail("no JSON value");
    if (here('.') && (++at_, !digits())) fail("a digit is missing");
    if (here('e') || here('E')) {
      ++at_;
      if (here('+') || here('-')) ++at_;
      if (!digits()) fail("a digit is missing");
    }
    double result = 0;
    const auto parsed = std::from_chars(text_.data() + start, text_.data() + at_, result);
    if (parsed.ec != std::errc()) fail("a number out of range");
    return result;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Json Json::parse(std::string_view text) { return JsonParser(text).document(); }

const Json* Json::find(std::string_view name) const noexcept {
  if (const Object* members = object()) {
    for (const Member& member : *members) {
      if (member.first == name) return &member.second;
    }
  }
  return nullptr;
}

bool Json::integer(std::int64_t& value) const noexcept {
  const double* const found = number();
  if (!found || std::floor(*found) != *found || std::abs(*found) > kLargestExactInteger) return false;
  value = static_cast<std::int64_t>(*found);
  return true;
}

std::string Json::describe() const {
  if (is_null()) return "null";
  if (const bool* truth = boolean()) return *truth ? "true" : "false";
  if (const std::string* text = string()) return '"' + (text->size() > 60 ? text->substr(0, 60) + "…" : *text) + '"';
  if (array()) return "a list of " + std::to_string(array()->size());
  if (object()) return "an object";
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, *number());
  return std::string(digits, written.ptr);
}

}  // namespace interrogator
