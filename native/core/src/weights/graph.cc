#include "weights/graph.h"

#include <algorithm>
#include <utility>

#include "interrogator/error.h"
#include "weights/files/fault.h"
#include "weights/files/read_json.h"
#include "weights/files/stored_tensor.h"

namespace interrogator {

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kSizeBytes = 8;
constexpr std::size_t kMostValues = 4'000'000;

std::string_view header_of(std::string_view bytes) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes && i < bytes.size(); ++i) {
    size |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  if (bytes.size() < kSizeBytes || size > bytes.size() - kSizeBytes) refuse("its header does not lie inside of it");
  return bytes.substr(kSizeBytes, static_cast<std::size_t>(size));
}

/// Throws where they are anything but whole numbers.
std::vector<std::int64_t> whole_numbers(const nlohmann::json& list) {
  const bool sound = list.is_array() && std::all_of(list.begin(), list.end(), [](const auto& each) { return each.is_number_integer(); });
  if (!sound) refuse("it has " + in_quotes(list.dump()) + " where a list of whole numbers belongs");
  return list.get<std::vector<std::int64_t>>();
}

template <class Value>
Value field(const nlohmann::json& object, const char* name) {
  return object.at(name).get<Value>();
}

/// What a member holds where it is there, or nothing.
template <class Value>
Value optional_field(const nlohmann::json& object, const char* name) {
  return object.contains(name) ? field<Value>(object, name) : Value{};
}

bool matches(const std::string& pattern, std::string_view name) {
  if (pattern.empty() || pattern.back() != '*') return pattern == name;
  return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

}  // namespace

Graph::Graph(std::string bytes) : bytes_(std::move(bytes)) {
  const auto parse = [this] {
    const std::string_view header = header_of(bytes_);
    read(read_json(header, kMostValues), kSizeBytes + header.size());
  };
  explained(ErrorCode::kBundleInvalid, parse,
            [this](const std::string& why) { return place() + " cannot be used: " + why + "; " + kRemedy; });
}

void Graph::read(const nlohmann::json& header, std::size_t data) {
  if (!header.is_object()) refuse("its header is no JSON object");
  if (header.contains("manifest")) manifest_ = header["manifest"];
  if (!header.contains("graphVersion") || header["graphVersion"] != kVersion) {
    refuse("it is of another version than " + std::to_string(kVersion) + ", which this package reads");
  }
  for (const auto& [name, sides] : field<std::map<std::string, nlohmann::json>>(header, "tensors")) {
    count_elements(tensors_[name] = whole_numbers(sides));
  }
  aliases_ = optional_field<std::map<std::string, std::vector<std::string>>>(header, "aliases");
  unused_ = optional_field<std::vector<std::string>>(header, "unused");

  for (const auto& [file, numbers] : field<std::map<std::string, nlohmann::json>>(header, "modules")) {
    const std::vector<std::int64_t> range = whole_numbers(numbers);
    const bool inside = range.size() == 2 && range[0] >= 0 && range[0] <= range[1] && std::cmp_less_equal(range[1], bytes_.size() - data);
    if (!inside) refuse("its module " + in_quotes(file) + " does not lie inside of it");
    parts_[file] = {data + static_cast<std::size_t>(range[0]), data + static_cast<std::size_t>(range[1]), {}};
  }
  for (const auto& [file, entries] : field<std::map<std::string, std::vector<nlohmann::json>>>(header, "parameters")) {
    const auto part = parts_.find(file);
    if (part == parts_.end()) refuse("it has parameters of " + in_quotes(file) + ", which is none of its modules");
    for (const nlohmann::json& entry : entries) part->second.parameters.push_back(read_source(entry));
  }
}

ParameterSource Graph::read_source(const nlohmann::json& entry) const {
  ParameterSource source;
  source.to = field<std::string>(entry, "to");
  source.from = field<std::string>(entry, "from");
  const auto fail = [&](const char* what) { refuse("its parameter " + in_quotes(source.to) + ' ' + what); };

  const auto tensor = tensors_.find(source.from);
  if (tensor == tensors_.end()) fail("comes from a tensor that it does not list");
  Shape shape = tensor->second;
  if (entry.contains("rows")) {
    const std::vector<std::int64_t> rows = whole_numbers(entry["rows"]);
    if (rows.size() != 2 || shape.empty() || rows[0] < 0 || rows[0] > rows[1] || rows[1] > shape[0]) fail("takes rows that are not there");
    source.rows = {rows[0], rows[1]};
    shape[0] = rows[1] - rows[0];
  }
  source.transpose = optional_field<bool>(entry, "transpose");
  if (source.transpose && shape.size() != 2) fail("is transposed and no matrix");
  if (source.transpose) std::swap(shape[0], shape[1]);
  source.shape = entry.contains("shape") ? whole_numbers(entry["shape"]) : shape;
  if (count_elements(source.shape) != count_elements(shape)) fail("is of another size than what it comes from");
  return source;
}

std::string Graph::place() const {
  const auto name = manifest_.is_object() ? manifest_.find("name") : manifest_.end();
  return name != manifest_.end() && name->is_string() ? "the graph of " + in_quotes(name->get<std::string>()) : "the graph";
}

GraphPart Graph::part(const std::string& file) const {
  const auto found = parts_.find(file);
  if (found == parts_.end()) manifest().fail("has no module " + in_quotes(file));
  const Part& part = found->second;
  return {place_of(file), std::string_view(bytes_).substr(part.begin, part.end - part.begin), part.parameters};
}

const std::vector<std::string>& Graph::aliases_of(const std::string& tensor) const {
  static const std::vector<std::string> none;
  const auto found = aliases_.find(tensor);
  return found == aliases_.end() ? none : found->second;
}

bool Graph::leaves_out(const std::string& name) const {
  return std::any_of(unused_.begin(), unused_.end(), [&](const std::string& pattern) { return matches(pattern, name); });
}

}  // namespace interrogator
