#include "weights/safetensors.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string_view>

#include "weights/json.h"

namespace interrogator {

namespace {

constexpr std::size_t kLargestHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kSizeBytes = 8;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

std::int64_t bytes_of(const std::string& dtype) {
  constexpr std::pair<std::string_view, std::int64_t> kTypes[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
                                                                  {"U16", 2},  {"I16", 2}, {"F16", 2}, {"BF16", 2},    {"U32", 4},
                                                                  {"I32", 4},  {"F32", 4}, {"U64", 8}, {"I64", 8},     {"F64", 8}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == dtype) return bytes;
  }
  fail("it has a tensor of unknown type '" + dtype + "'");
}

/// A file that begins like text was saved by something else: a server's error page, most often. The
/// upper bytes of a real header size are 0.
bool looks_like_text(std::span<const std::byte> file) {
  const auto start = file.first(std::min(file.size(), kSizeBytes));
  return std::all_of(start.begin(), start.end(), [](std::byte byte) {
    const auto c = std::to_integer<unsigned char>(byte);
    return (c >= 0x20 && c != 0x7F) || c == '\n' || c == '\r' || c == '\t';
  });
}

std::int64_t product(const std::vector<std::int64_t>& shape, std::int64_t bytes) {
  for (const std::int64_t side : shape) {
    if (side != 0 && bytes > std::numeric_limits<std::int64_t>::max() / side) fail("it has a tensor of an absurd size");
    bytes *= side;
  }
  return bytes;
}

SafeTensor parse_tensor(const std::string& name, const Json& entry, std::span<const std::byte> data) {
  const Json *const dtype = entry.find("dtype"), *const shape = entry.find("shape"), *const offsets = entry.find("data_offsets");
  if (!dtype || !dtype->string() || !shape || !shape->array() || !offsets || !offsets->array() || offsets->array()->size() != 2) {
    fail("its tensor '" + name + "' has no dtype, shape and data_offsets");
  }
  SafeTensor tensor{name, *dtype->string(), {}, {}};
  for (const Json& side : *shape->array()) {
    std::int64_t value = 0;
    if (!side.integer(value) || value < 0) fail("its tensor '" + name + "' has a shape that is none");
    tensor.shape.push_back(value);
  }
  std::int64_t begin = 0, end = 0;
  if (!(*offsets->array())[0].integer(begin) || !(*offsets->array())[1].integer(end) || begin < 0 || end < begin) {
    fail("its tensor '" + name + "' has data_offsets that are none");
  }
  if (static_cast<std::size_t>(end) > data.size()) {
    fail("its tensor '" + name + "' ends at byte " + std::to_string(end) + " of " + std::to_string(data.size()) +
         ": the file is cut short");
  }
  if (end - begin != product(tensor.shape, bytes_of(tensor.dtype))) {
    fail("its tensor '" + name + "' has " + std::to_string(end - begin) + " bytes, which do not fit its shape and type");
  }
  tensor.data = data.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return tensor;
}

}  // namespace

std::vector<SafeTensor> parse_safetensors(std::span<const std::byte> file) {
  if (file.empty()) fail("it is empty");
  if (looks_like_text(file)) fail("it is text, as of an error page saved in its place");
  if (file.size() < kSizeBytes + 2) fail("it has only " + std::to_string(file.size()) + " bytes");
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size |= static_cast<std::uint64_t>(file[i]) << (8 * i);
  if (size > kLargestHeader || size > file.size() - kSizeBytes) {
    fail("its header would be " + std::to_string(size) + " bytes long in a file of " + std::to_string(file.size()));
  }

  const auto header_size = static_cast<std::size_t>(size);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kSizeBytes, header_size);
  Json header;
  try {
    header = Json::parse(text);
  } catch (const JsonError& wrong) {
    fail(std::string("its header is no JSON: ") + wrong.what());
  }
  if (!header.object()) fail("its header is no JSON object");
  std::vector<SafeTensor> tensors;
  for (const auto& [name, entry] : *header.object()) {
    if (name != "__metadata__") tensors.push_back(parse_tensor(name, entry, file.subspan(kSizeBytes + header_size)));
  }
  return tensors;
}

std::string safetensors_header(const std::vector<SafeTensor>& tensors) {
  std::string json = "{";
  std::size_t offset = 0;
  for (const SafeTensor& tensor : tensors) {
    json += (json.size() > 1 ? ",\"" : "\"") + tensor.name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) json += (i ? "," : "") + std::to_string(tensor.shape[i]);
    json += "],\"data_offsets\":[" + std::to_string(offset) + ',' + std::to_string(offset + tensor.data.size()) + "]}";
    offset += tensor.data.size();
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header;
  for (std::size_t i = 0; i < kSizeBytes; ++i) header.push_back(static_cast<char>(json.size() >> (8 * i)));
  return header + json;
}

}  // namespace interrogator
