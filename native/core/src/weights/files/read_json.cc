#include "weights/files/read_json.h"

#include <stdexcept>
#include <string>

namespace interrogator {

using nlohmann::json;

namespace {

/// Looks at every value and keeps none: a text that asks for too much memory is refused before any is taken. A callback of json::parse
/// could not do this: with one, each object that ends makes it go through all others beside it.
class Limits final : public json::json_sax_t {
 public:
  explicit Limits(std::size_t most) : most_(most) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(std::int64_t) override { return count(); }
  bool number_unsigned(std::uint64_t) override { return count(); }
  bool number_float(double, const std::string&) override { return count(); }
  bool string(std::string&) override { return count(); }
  bool binary(json::binary_t&) override { return count(); }
  bool key(std::string&) override { return count(); }
  bool start_object(std::size_t) override { return open(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(std::size_t, const std::string&, const json::exception& wrong) override {
    constexpr std::size_t kLongest = 200;      // it quotes what it read last, which may be the whole file
    const std::string message = wrong.what();  // "[json.exception.parse_error.101] parse error at line 1 …"
    const std::size_t begin = message.find("] ") + 2;
    throw std::runtime_error(message.substr(begin, kLongest) + (message.size() - begin > kLongest ? "…" : ""));
  }

 private:
  bool count() {
    if (++count_ > most_) throw std::runtime_error("it holds more than " + std::to_string(most_) + " values");
    return true;
  }
  bool open() {
    constexpr int kDeepest = 64;
    if (++depth_ > kDeepest) throw std::runtime_error("it is nested more than " + std::to_string(kDeepest) + " deep");
    return count();
  }
  bool close() {
    --depth_;
    return true;
  }

  const std::size_t most_;
  std::size_t count_ = 0;
  int depth_ = 0;
};

}  // namespace

nlohmann::json read_json(std::string_view text, std::size_t most) {
  Limits limits(most);
  json::sax_parse(text, &limits);
  return json::parse(text);
}

}  // namespace interrogator
