#include "ops/cosine_top_k.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <iterator>

#include "ops/ranking_stages.h"
#include "ops/simd/dots.h"
#include "ops/top_k_select.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kLeastRows = 128, kMostRows = 4096;  // what a thread takes at a time
constexpr std::int64_t kMostHeld = 4 << 20;                 // labels held in a pass, which bounds memory

std::int64_t row_count(const RankInput& input) {
  std::int64_t rows = 0;
  for (const HalfRows& matrix : input.matrices) rows += matrix.rows;
  return rows;
}

/// results[b * (end - begin) + i]: similarity of feature b and stacked row begin + i.
void compute(const RankInput& input, std::int64_t begin, std::int64_t end, simd::HalfDotsFunction* dots, float* results) {
  std::int64_t first = 0;
  for (const HalfRows& matrix : input.matrices) {
    const std::int64_t from = std::max(begin, first), to = std::min(end, first + matrix.rows);
    if (from < to) {
      dots({.rows = matrix.data + (from - first) * input.dim,
            .count = to - from,
            .dim = input.dim,
            .features = input.features,
            .batch = input.batch,
            .results = results + (from - begin),
            .result_stride = end - begin});
    }
    first += matrix.rows;
  }
}

/// What a thread found in a segment.
struct Found {
  std::int64_t segment;
  std::vector<BestOf> best;  // of each feature
};

/// The first stage, on all threads. A thread takes the next rows when it is free: one that has to be woken first, which may take as long
/// as a good part of the ranking, then does less instead of being waited for. A small segment is taken whole; otherwise large parts go
/// first, which are read without a break, then ever smaller ones, so that all threads end at about the same time.
std::vector<Found> first_stage(const RankInput& input, std::int64_t rows, const RankingStages& stages, simd::HalfDotsFunction* dots,
                               const CancelToken* token) {
  const bool small = stages.segment_rows <= kMostRows;
  const std::int64_t part = small ? stages.segment_rows : kLeastRows;
  const std::int64_t threads = std::min<std::int64_t>(at::get_num_threads(), (rows + part - 1) / part);
  std::vector<std::vector<Found>> of_thread(static_cast<std::size_t>(threads));
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](std::int64_t thread, std::int64_t) {
    std::vector<Found>& found = of_thread[static_cast<std::size_t>(thread)];
    std::vector<float> similarities(static_cast<std::size_t>(input.batch * std::min(stages.segment_rows, kMostRows)));
    for (std::int64_t begin = next; begin < rows;) {
      const std::int64_t segment = begin / stages.segment_rows, end_of_segment = std::min((segment + 1) * stages.segment_rows, rows);
      const std::int64_t wanted = small ? stages.segment_rows : std::clamp((rows - begin) / (2 * threads), kLeastRows, kMostRows);
      const std::int64_t end = std::min(begin + wanted, end_of_segment);
      if (!next.compare_exchange_weak(begin, end)) continue;
      if (token) token->check();
      compute(input, begin, end, dots, similarities.data());
      if (found.empty() || found.back().segment != segment) {
        const BestOf none(static_cast<std::size_t>(stages.keep), stages.reverse);
        found.push_back({segment, std::vector<BestOf>(static_cast<std::size_t>(input.batch), none)});
      }
      const float* ours = similarities.data();
      for (BestOf& best : found.back().best) {
        best.add({ours, static_cast<std::size_t>(end - begin)}, static_cast<std::int32_t>(begin));
        ours += end - begin;
      }
      begin = next;
    }
  });
  std::vector<Found> all;
  for (std::vector<Found>& found : of_thread) std::ranges::move(found, std::back_inserter(all));
  std::ranges::sort(all, {}, &Found::segment);
  return all;
}

/// The second stage for one feature. A large segment may have been found in parts, of which the best are kept first.
void second_stage(std::vector<Found>& found, std::size_t feature, const RankingStages& stages, TopK& result) {
  std::vector<Ranked> entries;
  std::size_t first = 0;  // of the segment
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (i > 0 && found[i].segment != found[i - 1].segment) first = entries.size();
    const std::vector<Ranked> best = found[i].best[feature].take();
    entries.insert(entries.end(), best.begin(), best.end());
    cut_to_best(entries, first, static_cast<std::size_t>(stages.keep));
  }
  if (stages.final_reverse != stages.reverse) {
    for (Ranked& entry : entries) entry = entry.ordered(stages.final_reverse);
  }
  keep_best(entries, static_cast<std::size_t>(stages.k));
  for (const Ranked& entry : entries) {
    result.indices.push_back(entry.index());
    result.similarities.push_back(entry.similarity);
  }
}

/// Features that share a pass over the matrix.
std::int64_t features_per_pass(const RankingStages& stages, std::int64_t rows) {
  const std::int64_t lists = rows / stages.segment_rows + at::get_num_threads();
  return std::clamp<std::int64_t>(kMostHeld / std::min(rows + 1, 2 * stages.keep * lists + 1), 1, 64);
}

}  // namespace

std::vector<float> squared_lengths(const HalfRows& rows, std::int64_t dim, SimdSet set) {
  std::vector<float> squares(static_cast<std::size_t>(rows.rows));
  INTERROGATOR_CHOOSE(set, simd::half_squares)(rows.data, rows.rows, dim, squares.data());
  return squares;
}

TopK rank(const RankInput& input, const TopKOptions& options, const CancelToken* token, SimdSet set) {
  simd::HalfDotsFunction* const dots = INTERROGATOR_CHOOSE(set, simd::half_dots);
  const std::int64_t rows = row_count(input);
  const RankingStages stages = ranking_stages(options, rows);
  TopK result;
  result.rows = input.batch;
  result.k = stages.k;
  const std::int64_t most = features_per_pass(stages, rows);
  for (std::int64_t first = 0; first < input.batch; first += most) {
    if (token) token->check();
    RankInput pass = input;
    pass.features += first * input.dim;
    pass.batch = std::min(most, input.batch - first);
    std::vector<Found> found = first_stage(pass, rows, stages, dots, token);
    for (std::int64_t b = 0; b < pass.batch; ++b) second_stage(found, static_cast<std::size_t>(b), stages, result);
  }
  return result;
}

}  // namespace interrogator::ops
