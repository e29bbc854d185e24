#include "weights/file_weights.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

#include "interrogator/error.h"
#include "weights/files/checkpoint.h"
#include "weights/files/fault.h"

namespace interrogator {

namespace {

/// Counters and the like, which no graph reads.
bool is_whole_number(const StoredTensor& tensor) {
  return !tensor.type->floating && tensor.type->name.front() != 'F' && count_elements(tensor.shape) <= 1;
}

/// What is wrong with a tensor that is there, or nothing.
std::string fault_of(const std::string& name, const StoredTensor& found, const Shape& expected) {
  if (found.shape != expected)
    return in_quotes(name) + " has the shape " + in_brackets(found.shape) + ", expected " + in_brackets(expected);
  if (!found.type->floating) return in_quotes(name) + " is of the type " + std::string(found.type->name) + ", expected F32, F16 or BF16";
  return {};
}

/// Faults of one kind: the first in words, the others counted, because a file may have any number of them.
class Faults {
 public:
  /// `more`: what is said of the others.
  explicit Faults(std::string more) : more_(std::move(more)) {}
  void add(const std::string& fault) {
    if (count_++ < kMostTold) text_ += (text_.empty() ? "" : "; ") + fault;
  }
  std::string text() const { return text_ + (count_ > kMostTold ? "; " + std::to_string(count_ - kMostTold) + " more " + more_ : ""); }

 private:
  static constexpr std::size_t kMostTold = 3;
  std::string more_;
  std::string text_;
  std::size_t count_ = 0;
};

std::string in_one_line(const std::vector<std::string>& texts) {
  std::string line;
  for (const std::string& text : texts) line += (line.empty() || text.empty() ? "" : "; ") + text;
  return line;
}

}  // namespace

FileWeights::FileWeights(const Graph& graph, const std::filesystem::path& path, CancelTokenPtr cancel)
    : path_(path), cancel_(std::move(cancel)) {
  std::map<std::string, StoredTensor> found = open_checkpoint(path);
  Faults missing("are missing"), misshapen("have another shape or type"), left_over("are left over");
  std::unordered_set<std::string> other_names;
  for (const auto& [name, shape] : graph.tensors()) {
    std::vector<std::string> names{name};
    for (const std::string& alias : graph.aliases_of(name)) {
      names.push_back(alias);
      other_names.insert(alias);
    }
    const auto there = std::find_if(names.begin(), names.end(), [&](const std::string& each) { return found.contains(each); });
    if (there == names.end()) {
      missing.add(in_quotes(name) + " is missing, expected with the shape " + in_brackets(shape));
      continue;
    }
    const StoredTensor& tensor = found.at(*there);
    if (const std::string fault = fault_of(*there, tensor, shape); !fault.empty()) misshapen.add(fault);
    tensors_.emplace(name, tensor);
  }
  for (const auto& [name, tensor] : found) {
    if (graph.tensors().contains(name) || other_names.contains(name)) continue;
    if (graph.leaves_out(name)) {
      if (tensor.type->floating && count_elements(tensor.shape) == 1) numbers_.emplace(name, tensor);
      continue;
    }
    if (is_whole_number(tensor)) continue;
    left_over.add(in_quotes(name) + " of shape " + in_brackets(tensor.shape) + " is left over");
  }
  std::string faults = in_one_line({misshapen.text(), missing.text(), left_over.text()});
  if (faults.empty()) return;
  if (tensors_.empty() && !found.empty()) {
    faults = "none of its tensors is there, such as " + in_quotes(graph.tensors().begin()->first) + ", but " +
             in_quotes(found.begin()->first) + " and " + std::to_string(found.size() - 1) + " others";
  }
  throw Error(ErrorCode::kWeightsInvalid, path.string() + " does not fit " + graph.place() + ": " + faults +
                                              "; give the file that this architecture was trained as, or name the architecture that it is");
}

WeightsSummary FileWeights::summary() const {
  WeightsSummary summary;
  for (const auto& [name, tensor] : tensors_) {
    const std::int64_t count = count_elements(tensor.shape);
    ++summary.tensors;
    summary.parameters += count;
    summary.bytes += static_cast<std::uint64_t>(count) * tensor.type->bytes;
  }
  const at::ScalarType type = stored_type();
  summary.dtype = type == at::kFloat ? "float32" : type == at::kHalf ? "float16" : "bfloat16";
  return summary;
}

at::ScalarType FileWeights::stored_type() const {
  std::map<at::ScalarType, std::int64_t> numbers{{at::kFloat, 0}};
  for (const auto& [name, tensor] : tensors_) numbers[*tensor.type->floating] += count_elements(tensor.shape);
  return std::max_element(numbers.begin(), numbers.end(), [](const auto& one, const auto& other) { return one.second < other.second; })
      ->first;
}

at::Tensor FileWeights::read(const ParameterSource& source, at::ScalarType type) const {
  if (cancel_) cancel_->check();
  const StoredTensor& tensor = tensors_.at(source.from);
  const std::int64_t all = tensor.shape.empty() ? 1 : tensor.shape[0];
  const auto [begin, end] = source.rows.value_or(std::pair{std::int64_t{0}, all});
  at::Tensor rows = read(source.from, tensor, begin, end, type);
  if (source.transpose) rows = rows.t().contiguous();
  return rows.view(source.shape);
}

std::optional<double> FileWeights::number(const std::string& name) const {
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) return std::nullopt;
  return read(name, found->second, 0, 1, at::kFloat).item<double>();
}

at::Tensor FileWeights::read(const std::string& name, const StoredTensor& tensor, std::int64_t begin, std::int64_t end,
                             at::ScalarType type) const {
  return explained(
      ErrorCode::kWeightsInvalid, [&] { return read_rows(tensor, begin, end, type); },
      [&](const std::string& why) {
        return path_.string() + " cannot be read as weights: " + in_quotes(name) + ": " + why + "; get it again";
      });
}

}  // namespace interrogator
