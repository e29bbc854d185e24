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

const std::uint16_t* halves(const at::Tensor& rows) { return static_cast<const std::uint16_t*>(rows.const_data_ptr()); }

/// results[b * (end - begin) + i]: similarity of feature b and stacked row begin + i.
void compute(const std::vector<at::Tensor>& matrices, const at::Tensor& features, std::int64_t begin, std::int64_t end,
             simd::HalfDotsFunction* dots, float* results) {
  const std::int64_t dim = features.size(1);
  std::int64_t first = 0;
  for (const at::Tensor& matrix : matrices) {
    const std::int64_t from = std::max(begin, first), to = std::min(end, first + matrix.size(0));
    if (from < to) {
      dots({.rows = halves(matrix) + (from - first) * dim,
            .count = to - from,
            .dim = dim,
            .features = features.const_data_ptr<float>(),
            .batch = features.size(0),
            .results = results + (from - begin),
            .result_stride = end - begin});
    }
    first += matrix.size(0);
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
std::vector<Found> first_stage(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const RankingStages& stages,
                               simd::HalfDotsFunction* dots) {
  const std::int64_t rows = stages.rows, batch = features.size(0);
  const bool small = stages.segment_rows <= kMostRows;
  const std::int64_t part = small ? stages.segment_rows : kLeastRows;
  const std::int64_t threads = std::min<std::int64_t>(at::get_num_threads(), (rows + part - 1) / part);
  std::vector<std::vector<Found>> of_thread(static_cast<std::size_t>(threads));
  std::atomic<std::int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](std::int64_t thread, std::int64_t) {
    std::vector<Found>& found = of_thread[static_cast<std::size_t>(thread)];
    std::vector<float> similarities(static_cast<std::size_t>(batch * std::min(stages.segment_rows, kMostRows)));
    for (std::int64_t begin = next; begin < rows;) {
      const std::int64_t segment = begin / stages.segment_rows, end_of_segment = std::min((segment + 1) * stages.segment_rows, rows);
      const std::int64_t wanted = small ? stages.segment_rows : std::clamp((rows - begin) / (2 * threads), kLeastRows, kMostRows);
      const std::int64_t end = std::min(begin + wanted, end_of_segment);
      if (!next.compare_exchange_weak(begin, end)) continue;
      compute(matrices, features, begin, end, dots, similarities.data());
      if (found.empty() || found.back().segment != segment) {
        const BestOf none(static_cast<std::size_t>(stages.keep), stages.reverse);
        found.push_back({segment, std::vector<BestOf>(static_cast<std::size_t>(batch), none)});
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
std::int64_t features_per_pass(const RankingStages& stages) {
  const std::int64_t lists = stages.rows / stages.segment_rows + at::get_num_threads();
  return std::clamp<std::int64_t>(kMostHeld / std::min(stages.rows + 1, 2 * stages.keep * lists + 1), 1, 64);
}

}  // namespace

std::vector<float> squared_lengths(const at::Tensor& rows, SimdSet set) {
  std::vector<float> squares(static_cast<std::size_t>(rows.size(0)));
  INTERROGATOR_CHOOSE(set, simd::half_squares)(halves(rows), rows.size(0), rows.size(1), squares.data());
  return squares;
}

TopK rank(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const TopKOptions& options, SimdSet set) {
  simd::HalfDotsFunction* const dots = INTERROGATOR_CHOOSE(set, simd::half_dots);
  const RankingStages stages = ranking_stages(options, matrices);
  TopK result{features.size(0), stages.k, {}, {}};
  const std::int64_t most = features_per_pass(stages);
  for (std::int64_t first = 0; first < result.rows; first += most) {
    const at::Tensor pass = features.narrow(0, first, std::min(most, result.rows - first));
    std::vector<Found> found = first_stage(matrices, pass, stages, dots);
    for (std::int64_t b = 0; b < pass.size(0); ++b) second_stage(found, static_cast<std::size_t>(b), stages, result);
  }
  return result;
}

}  // namespace interrogator::ops
