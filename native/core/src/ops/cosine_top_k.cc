#include "ops/cosine_top_k.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "interrogator/error.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kSegmentRows = 2048;  // what one thread takes at a time in plain ranking
constexpr std::int64_t kBatch = 64;          // features a pass over the matrix: bounds what is kept

struct Entry {
  float key;  ///< what is sorted by, falling
  std::int32_t index;
  float similarity;
};

float key_of(float similarity, bool reverse) {
  if (std::isnan(similarity)) return -std::numeric_limits<float>::infinity();
  return reverse ? -similarity : similarity;
}

bool better(const Entry& a, const Entry& b) { return a.key != b.key ? a.key > b.key : a.index < b.index; }

/// The best `keep` of what is offered, the worst of them in front.
class Best {
 public:
  explicit Best(std::int64_t keep) : keep_(static_cast<std::size_t>(keep)) {}

  void offer(float key, std::int32_t index, float similarity) {
    const Entry entry{key, index, similarity};
    if (entries_.size() < keep_) {
      entries_.push_back(entry);
      std::push_heap(entries_.begin(), entries_.end(), better);
    } else if (better(entry, entries_.front())) {
      std::pop_heap(entries_.begin(), entries_.end(), better);
      entries_.back() = entry;
      std::push_heap(entries_.begin(), entries_.end(), better);
    }
  }

  const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  std::size_t keep_;
  std::vector<Entry> entries_;
};

/// Ranking in two stages: the best `keep` of each segment of rows, then the best k of those.
struct Stages {
  std::int64_t segment_rows = 0, keep = 0, k = 0;
  bool reverse = false;        ///< of the first stage
  bool final_reverse = false;  ///< of the second
};

/// Calls visit(index, row) for the stacked rows begin … end.
template <class Visit>
void for_rows(const RankInput& input, std::int64_t begin, std::int64_t end, const Visit& visit) {
  std::int64_t first = 0;
  for (const HalfRows& matrix : input.matrices) {
    const std::int64_t last = first + matrix.rows;
    for (std::int64_t i = std::max(begin, first); i < std::min(end, last); ++i) {
      visit(static_cast<std::int32_t>(i), matrix.data + (i - first) * input.dim);
    }
    first = last;
  }
}

std::int64_t row_count(const RankInput& input) {
  std::int64_t rows = 0;
  for (const HalfRows& matrix : input.matrices) rows += matrix.rows;
  return rows;
}

/// One list of kept entries a feature, of all segments together.
std::vector<std::vector<Entry>> first_stage(const RankInput& input, const float* features, std::int64_t batch, const Stages& stages,
                                            const CancelToken* token, HalfDot dot) {
  const std::int64_t rows = row_count(input), segments = (rows + stages.segment_rows - 1) / stages.segment_rows;
  std::vector<std::vector<Best>> kept(static_cast<std::size_t>(segments));
  at::parallel_for(0, segments, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> similarities(static_cast<std::size_t>(batch));
    for (std::int64_t segment = begin; segment < end; ++segment) {
      if (token) token->check();
      std::vector<Best> best(static_cast<std::size_t>(batch), Best(stages.keep));
      const std::int64_t start = segment * stages.segment_rows;
      for_rows(input, start, std::min(start + stages.segment_rows, rows), [&](std::int32_t index, const std::uint16_t* row) {
        dot(row, features, input.dim, batch, similarities.data());
        for (std::size_t b = 0; b < best.size(); ++b) best[b].offer(key_of(similarities[b], stages.reverse), index, similarities[b]);
      });
      kept[static_cast<std::size_t>(segment)] = std::move(best);
    }
  });

  std::vector<std::vector<Entry>> all(static_cast<std::size_t>(batch));
  for (const std::vector<Best>& segment : kept) {
    for (std::size_t b = 0; b < all.size(); ++b) all[b].insert(all[b].end(), segment[b].entries().begin(), segment[b].entries().end());
  }
  return all;
}

void second_stage(std::vector<Entry>& entries, const Stages& stages, TopK& result) {
  for (Entry& entry : entries) entry.key = key_of(entry.similarity, stages.final_reverse);
  const auto end = entries.begin() + result.k;
  std::partial_sort(entries.begin(), end, entries.end(), better);
  std::for_each(entries.begin(), end, [&](const Entry& entry) {
    result.indices.push_back(entry.index);
    result.similarities.push_back(entry.similarity);
  });
}

void check(const RankInput& input, std::int64_t k) {
  if (k < 1) throw Error(ErrorCode::kInvalidArgument, "k is " + std::to_string(k) + ", expected 1 or more");
  if (row_count(input) > std::numeric_limits<std::int32_t>::max()) {
    throw Error(ErrorCode::kInvalidArgument, std::to_string(row_count(input)) + " labels are too many to rank at once");
  }
}

TopK run(const RankInput& input, const Stages& stages, const CancelToken* token, HalfDotKernel kernel) {
  const HalfDot dot = half_dot(kernel);
  const std::int64_t rows = row_count(input), whole = rows / stages.segment_rows, rest = rows % stages.segment_rows;
  TopK result;
  result.rows = input.batch;
  result.k = std::min(stages.k, whole * std::min(stages.keep, stages.segment_rows) + std::min(stages.keep, rest));
  for (std::int64_t first = 0; first < input.batch; first += kBatch) {
    if (token) token->check();
    const std::int64_t batch = std::min(kBatch, input.batch - first);
    auto kept = first_stage(input, input.features + first * input.dim, batch, stages, token, dot);
    for (std::vector<Entry>& entries : kept) second_stage(entries, stages, result);
  }
  return result;
}

}  // namespace

TopK cosine_top_k(const RankInput& input, std::int64_t k, bool reverse, const CancelToken* token, HalfDotKernel kernel) {
  check(input, k);
  return run(input, {kSegmentRows, std::min(k, row_count(input)), k, reverse, reverse}, token, kernel);
}

TopK rank(const RankInput& input, const TopKOptions& options, const CancelToken* token, HalfDotKernel kernel) {
  check(input, options.k);
  if (options.chunk_size < 0) {
    throw Error(ErrorCode::kInvalidArgument, "chunk size is " + std::to_string(options.chunk_size) + ", expected 0 or more");
  }
  const std::int64_t rows = row_count(input);
  if (options.chunk_size == 0 || rows <= options.chunk_size) return cosine_top_k(input, options.k, options.reverse, token, kernel);
  const std::int64_t chunks = (rows + options.chunk_size - 1) / options.chunk_size;
  const std::int64_t keep = std::max<std::int64_t>(options.chunk_size / chunks, 1);
  return run(input, {options.chunk_size, keep, options.k, options.reverse, options.reverse && options.corrected}, token, kernel);
}

}  // namespace interrogator::ops
