#include "caption/token_rules.h"

#include <ATen/ops/gather.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "device/transfer.h"

namespace interrogator {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// int64 [rows, length]
at::Tensor as_rows(const std::vector<std::vector<std::int64_t>>& sequences) {
  std::vector<std::int64_t> ids;
  for (const auto& sequence : sequences) ids.insert(ids.end(), sequence.begin(), sequence.end());
  return at::tensor(ids).view({static_cast<std::int64_t>(sequences.size()), -1});
}

}  // namespace

TokenRules::TokenRules(const GenerateOptions& options, std::int64_t eos_id, std::vector<std::int64_t> start)
    : repetition_penalty_(options.repetition_penalty),
      no_repeat_ngram_size_(options.no_repeat_ngram_size),
      min_length_(options.min_length),
      eos_id_(eos_id),
      start_(std::move(start)) {}

at::Tensor TokenRules::apply(const at::Tensor& scores, const std::vector<std::vector<std::int64_t>>& new_ids) const {
  std::vector<std::vector<std::int64_t>> sequences(new_ids.size(), start_);
  for (std::size_t row = 0; row < new_ids.size(); ++row) {
    sequences[row].insert(sequences[row].end(), new_ids[row].begin(), new_ids[row].end());
  }
  at::Tensor result = scores.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  if (repetition_penalty_ != 1) {
    const at::Tensor ids = upload(as_rows(sequences), scores.device());
    const at::Tensor seen = result.gather(1, ids);
    result.scatter_(1, ids, at::where(seen < 0, seen * repetition_penalty_, seen / repetition_penalty_));
  }
  if (no_repeat_ngram_size_ > 0) {
    std::vector<std::int64_t> rows, ids;
    for (std::size_t row = 0; row < sequences.size(); ++row) {
      for (const std::int64_t id : repeating_ids(sequences[row], no_repeat_ngram_size_)) {
        rows.push_back(static_cast<std::int64_t>(row));
        ids.push_back(id);
      }
    }
    if (!ids.empty()) {
      const at::Tensor places = upload(at::tensor(rows) * scores.size(1) + at::tensor(ids), scores.device());
      result.view(-1).index_fill_(0, places, kNever);
    }
  }
  if (static_cast<std::int64_t>(sequences.front().size()) < min_length_) result.select(1, eos_id_).fill_(kNever);
  return result;
}

std::vector<std::int64_t> repeating_ids(std::span<const std::int64_t> sequence, std::int64_t size) {
  const auto length = static_cast<std::int64_t>(sequence.size());
  std::vector<std::int64_t> ids;
  if (length + 1 < size) return ids;
  const auto last = sequence.subspan(static_cast<std::size_t>(length + 1 - size));
  for (std::int64_t begin = 0; begin + size <= length; ++begin) {
    const auto ngram = sequence.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(size));
    if (std::equal(last.begin(), last.end(), ngram.begin())) ids.push_back(ngram.back());
  }
  return ids;
}

}  // namespace interrogator
