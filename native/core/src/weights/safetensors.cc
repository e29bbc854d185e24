#include "weights/safetensors.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

#include "weights/read_json.h"

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
bool looks_like_text(std::span<const std::byte> start) {
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

/// A list of whole numbers of 0 or more; throws where it is something else.
std::vector<std::int64_t> counts(const nlohmann::json& list) {
  std::vector<std::int64_t> values;
  for (const nlohmann::json& value : list) {
    if (!value.is_number_integer() || value < 0 || value > std::numeric_limits<std::int64_t>::max()) fail("not a count");
    values.push_back(value.get<std::int64_t>());
  }
  return values;
}

/// `data`: where the tensors' bytes begin and how many there are.
struct DataRange {
  std::size_t offset = 0, size = 0;
};

SafeTensor parse_tensor(const std::string& name, const nlohmann::json& entry, const DataRange& data) {
  SafeTensor tensor{.name = name};
  std::vector<std::int64_t> offsets;
  try {
    tensor.dtype = entry.at("dtype").get<std::string>();
    tensor.shape = counts(entry.at("shape"));
    offsets = counts(entry.at("data_offsets"));
  } catch (const std::exception&) {
    offsets.clear();
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1]) fail("its tensor '" + name + "' has no usable dtype, shape and data_offsets");
  const std::int64_t begin = offsets[0], end = offsets[1];
  if (static_cast<std::size_t>(end) > data.size) {
    fail("its tensor '" + name + "' ends at byte " + std::to_string(end) + " of " + std::to_string(data.size) + ": the file is cut short");
  }
  if (end - begin != product(tensor.shape, bytes_of(tensor.dtype))) {
    fail("its tensor '" + name + "' has " + std::to_string(end - begin) + " bytes, which do not fit its shape and type");
  }
  tensor.bytes = static_cast<std::size_t>(end - begin);
  tensor.offset = data.offset + static_cast<std::size_t>(begin);
  return tensor;
}

}  // namespace

std::vector<SafeTensor> read_safetensors_header(const InputFile& file) {
  if (file.size() == 0) fail("it is empty");
  std::array<std::byte, kSizeBytes> start{};
  const auto read = std::span(start).first(std::min(file.size(), kSizeBytes));
  if (!file.read(0, read)) fail("it was cut short while it was read");
  if (looks_like_text(read)) fail("it is text, as of an error page saved in its place");
  if (file.size() < kSizeBytes + 2) fail("it has only " + std::to_string(file.size()) + " bytes");
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size |= static_cast<std::uint64_t>(start[i]) << (8 * i);
  if (size > kLargestHeader || size > file.size() - kSizeBytes) {
    fail("its header would be " + std::to_string(size) + " bytes long in a file of " + std::to_string(file.size()));
  }

  std::string text(static_cast<std::size_t>(size), ' ');
  if (!file.read(kSizeBytes, std::as_writable_bytes(std::span(text)))) fail("it was cut short while it was read");
  nlohmann::json header;
  try {
    header = read_json(text);
  } catch (const std::runtime_error& wrong) {
    fail(std::string("its header is no JSON: ") + wrong.what());
  }
  if (!header.is_object()) fail("its header is no JSON object");
  const std::size_t begin = kSizeBytes + text.size();
  std::vector<SafeTensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name != "__metadata__") tensors.push_back(parse_tensor(name, entry, {begin, file.size() - begin}));
  }
  return tensors;
}

std::string safetensors_header(const std::vector<SafeTensor>& tensors) {
  std::string json = "{";
  std::size_t offset = 0;
  for (const SafeTensor& tensor : tensors) {
    json += (json.size() > 1 ? ",\"" : "\"") + tensor.name + "\":{\"dtype\":\"" + tensor.dtype + "\",\"shape\":[";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) json += (i ? "," : "") + std::to_string(tensor.shape[i]);
    json += "],\"data_offsets\":[" + std::to_string(offset) + ',' + std::to_string(offset + tensor.bytes) + "]}";
    offset += tensor.bytes;
  }
  json += '}';
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header;
  for (std::size_t i = 0; i < kSizeBytes; ++i) header.push_back(static_cast<char>(json.size() >> (8 * i)));
  return header + json;
}

}  // namespace interrogator
