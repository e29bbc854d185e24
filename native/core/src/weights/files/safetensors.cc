#include "weights/files/safetensors.h"

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include "weights/files/fault.h"
#include "weights/files/read_json.h"

namespace interrogator {

namespace {

constexpr std::size_t kSizeBytes = 8;
/// The most that the format's own library reads.
constexpr std::size_t kMostHeader = 100'000'000;

/// A file that begins like text was saved by something else: a server's error page, most often. The
/// upper bytes of a real header size are 0.
bool looks_like_text(std::span<const std::byte> start) {
  return std::all_of(start.begin(), start.end(), [](std::byte byte) {
    const auto c = std::to_integer<unsigned char>(byte);
    return (c >= 0x20 && c != 0x7F) || c == '\n' || c == '\r' || c == '\t';
  });
}

/// A list of whole numbers of 0 or more; throws where it is something else.
std::vector<std::uint64_t> counts(const nlohmann::json& list) {
  const bool sound = std::all_of(list.begin(), list.end(), [](const nlohmann::json& each) { return each.is_number_unsigned(); });
  if (!sound) refuse("not counts");
  return list.get<std::vector<std::uint64_t>>();
}

}  // namespace

SafeTensors::SafeTensors(const InputFile& file, HeaderLimits limits) {
  if (file.size() == 0) refuse("it is empty");
  std::array<std::byte, kSizeBytes> start{};
  const auto read = std::span(start).first(std::min(file.size(), kSizeBytes));
  if (!file.read(0, read)) refuse("it was cut short while it was read");
  if (looks_like_text(read)) refuse("it is text, as of an error page saved in its place");
  if (file.size() < kSizeBytes + 2) refuse("it has only " + std::to_string(file.size()) + " bytes");
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) size |= static_cast<std::uint64_t>(start[i]) << (8 * i);
  if (size > limits.bytes || size > file.size() - kSizeBytes) {
    refuse("its header would be " + std::to_string(size) + " bytes long in a file of " + std::to_string(file.size()));
  }

  std::string text(static_cast<std::size_t>(size), ' ');
  if (!file.read(kSizeBytes, std::as_writable_bytes(std::span(text)))) refuse("it was cut short while it was read");
  try {
    header_ = read_json(text, limits.values);
  } catch (const std::runtime_error& wrong) {
    refuse(std::string("its header is no JSON: ") + wrong.what());
  }
  if (!header_.is_object()) refuse("its header is no JSON object");
  for (const auto& [name, entry] : header_.items()) {
    if (name != "__metadata__" && !entry.contains("data_offsets")) refuse("its " + in_quotes(name) + " has no data_offsets");
  }
  begin_ = kSizeBytes + text.size();
  size_ = file.size() - begin_;
}

SafeTensor SafeTensors::find(const std::string& name, const std::string& dtype, std::size_t element_bytes, std::size_t dimensions) const {
  if (!header_.contains(name)) refuse("it has no " + in_quotes(name));
  std::string type;
  std::vector<std::uint64_t> shape, offsets;
  try {
    type = header_[name].at("dtype").get<std::string>();
    shape = counts(header_[name].at("shape"));
    offsets = counts(header_[name].at("data_offsets"));
  } catch (const std::exception&) {
    offsets.clear();
  }
  if (offsets.size() != 2 || offsets[0] > offsets[1]) refuse("its " + in_quotes(name) + " has no usable dtype, shape and data_offsets");
  if (type != dtype || shape.size() != dimensions) {
    refuse("its " + in_quotes(name) + " is " + type + " of " + std::to_string(shape.size()) + " dimensions, expected " + dtype + " of " +
           std::to_string(dimensions));
  }
  if (offsets[1] > size_) {
    refuse("its " + in_quotes(name) + " ends at byte " + std::to_string(begin_ + offsets[1]) + " of " + std::to_string(begin_ + size_) +
           ": the file is cut short");
  }
  std::uint64_t bytes = element_bytes;
  for (const std::uint64_t side : shape) {
    if (__builtin_mul_overflow(bytes, side, &bytes)) refuse("its " + in_quotes(name) + " is of an absurd size");
  }
  if (offsets[1] - offsets[0] != bytes) {
    refuse("its " + in_quotes(name) + " has " + std::to_string(offsets[1] - offsets[0]) + " bytes, which do not fit its shape and type");
  }
  return {{shape.begin(), shape.end()}, bytes, begin_ + offsets[0]};
}

std::map<std::string, StoredTensor> read_safetensors(const std::shared_ptr<const InputFile>& file) {
  // Of real headers the largest have some thousand tensors of ten values.
  const SafeTensors container(*file, {.bytes = kMostHeader, .values = 1'000'000});
  std::map<std::string, StoredTensor> tensors;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, entry] : container.header().items()) {
    if (name == "__metadata__") continue;
    const std::string dtype = entry.value("dtype", nlohmann::json()).is_string() ? entry["dtype"].get<std::string>() : std::string();
    StoredTensor& tensor = tensors[name];
    tensor.type = ElementType::of(dtype);
    if (!tensor.type) refuse("its " + in_quotes(name) + " is of the type " + in_quotes(dtype) + ", which is not known here");
    const nlohmann::json shape = entry.value("shape", nlohmann::json());
    const std::size_t dimensions = shape.is_array() ? shape.size() : 0;
    const SafeTensor found = container.find(name, dtype, tensor.type->bytes, dimensions);
    tensor.shape = found.shape;
    count_elements(tensor.shape);
    tensor.strides = strides_of_rows(tensor.shape);
    tensor.file = file;
    tensor.offset = found.offset;
    ranges.emplace_back(found.offset, found.offset + found.bytes);
  }
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t end = container.begin();
  for (const auto& [first, last] : ranges) {
    if (first < end) refuse("its tensors overlap at byte " + std::to_string(first - container.begin()));
    if (first > end)
      refuse("its header leaves out the bytes " + std::to_string(end - container.begin()) + " to " +
             std::to_string(first - container.begin()));
    end = last;
  }
  if (end != container.begin() + container.size())
    refuse("it has " + std::to_string(container.begin() + container.size() - end) + " bytes more than its header says");
  return tensors;
}

std::string safetensors_header(const nlohmann::ordered_json& tensors) {
  std::string json = tensors.dump();
  json.resize((json.size() + 7) / 8 * 8, ' ');
  std::string header;
  for (std::size_t i = 0; i < kSizeBytes; ++i) header.push_back(static_cast<char>(json.size() >> (8 * i)));
  return header + json;
}

}  // namespace interrogator
