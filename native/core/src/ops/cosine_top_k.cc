#include "ops/cosine_top_k.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <span>

#include "ops/ranking_stages.h"
#include "ops/simd/dots.h"
#include "ops/top_k_select.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kMostOfThread = 256;   // labels that each thread keeps in a heap; more are selected from all by their digits
constexpr std::int64_t kSmallSegment = 4096;  // rows; of such a segment one thread keeps the best
constexpr std::int64_t kLeastRows = 128, kMostRows = 4096;  // what a thread takes at a time
constexpr std::int64_t kMostSimilarities = 8 << 20;         // kept in a pass, which bounds memory

std::int64_t row_count(const RankInput& input) {
  std::int64_t rows = 0;
  for (const HalfRows& matrix : input.matrices) rows += matrix.rows;
  return rows;
}

/// results[b * result_stride + i]: similarity of feature first_feature + b and stacked row begin + i.
struct Block {
  std::int64_t first_feature = 0, batch = 0;
  std::int64_t begin = 0, end = 0;
  float* results = nullptr;
  std::int64_t result_stride = 0;
};

void compute(const RankInput& input, const Block& block, simd::HalfDotsFunction dots) {
  std::int64_t first = 0;
  for (const HalfRows& matrix : input.matrices) {
    const std::int64_t from = std::max(block.begin, first), to = std::min(block.end, first + matrix.rows);
    if (from < to) {
      dots({.rows = matrix.data + (from - first) * input.dim,
            .count = to - from,
            .dim = input.dim,
            .features = input.features + block.first_feature * input.dim,
            .batch = block.batch,
            .results = block.results + (from - block.begin),
            .result_stride = block.result_stride});
    }
    first += matrix.rows;
  }
}

using Kept = std::vector<std::vector<Ranked>>;  // of each feature

/// Calls work(0) … work(count - 1) on all threads. Each takes the next when it is free: a thread that has to be woken
/// first, which may take as long as a good part of the ranking, then does less instead of being waited for.
template <class Work>
void share_out(std::int64_t count, const Work& work) {
  std::atomic<std::int64_t> next{0};
  const std::int64_t threads = std::min<std::int64_t>(at::get_num_threads(), count);
  at::parallel_for(0, threads, 1, [&](std::int64_t, std::int64_t) {
    for (std::int64_t i = next++; i < count; i = next++) work(i);
  });
}

/// Calls work(begin, end, thread) on all threads until all rows are taken: large parts first, which are read without a break,
/// then ever smaller ones, so that all threads end at about the same time.
template <class Work>
void share_out_rows(std::int64_t rows, const Work& work) {
  std::atomic<std::int64_t> next{0};
  const std::int64_t threads = std::min<std::int64_t>(at::get_num_threads(), (rows + kLeastRows - 1) / kLeastRows);
  at::parallel_for(0, threads, 1, [&](std::int64_t thread, std::int64_t) {
    for (std::int64_t begin = next; begin < rows;) {
      const std::int64_t end = std::min(begin + std::clamp((rows - begin) / (2 * threads), kLeastRows, kMostRows), rows);
      if (!next.compare_exchange_weak(begin, end)) continue;
      work(begin, end, static_cast<std::size_t>(thread));
      begin = next;
    }
  });
}

/// One stage: each thread keeps the best of all the rows that it took.
Kept keep_in_heaps(const RankInput& input, const Block& all, const RankingStages& stages, simd::HalfDotsFunction dots,
                   const CancelToken* token) {
  const auto batch = static_cast<std::size_t>(all.batch);
  const BestHeap empty(static_cast<std::size_t>(stages.k), stages.reverse);
  std::vector<std::vector<BestHeap>> heaps(static_cast<std::size_t>(at::get_num_threads()), std::vector<BestHeap>(batch, empty));
  share_out_rows(all.end, [&](std::int64_t begin, std::int64_t end, std::size_t thread) {
    if (token) token->check();
    Block part = all;
    part.begin = begin;
    part.end = end;
    const auto rows = static_cast<std::size_t>(part.end - part.begin);
    std::vector<float> similarities(batch * rows);
    part.results = similarities.data();
    part.result_stride = part.end - part.begin;
    compute(input, part, dots);
    for (std::size_t b = 0; b < batch; ++b) {
      heaps[thread][b].add(std::span<const float>(similarities.data() + b * rows, rows), static_cast<std::int32_t>(part.begin));
    }
  });
  Kept kept(batch);
  for (std::vector<BestHeap>& of_thread : heaps) {
    for (std::size_t b = 0; b < batch; ++b) {
      const std::vector<Ranked> best = of_thread[b].take();
      kept[b].insert(kept[b].end(), best.begin(), best.end());
    }
  }
  return kept;
}

/// Segments of many rows: all similarities first, by all threads, then the best of each feature.
void keep_of_large_segment(const RankInput& input, const Block& segment, const RankingStages& stages, simd::HalfDotsFunction dots,
                           const CancelToken* token, Kept& kept) {
  const std::int64_t rows = segment.end - segment.begin;
  std::vector<float> similarities(static_cast<std::size_t>(segment.batch * rows));
  share_out_rows(rows, [&](std::int64_t begin, std::int64_t end, std::size_t) {
    if (token) token->check();
    Block part = segment;
    part.begin = segment.begin + begin;
    part.end = segment.begin + end;
    part.results = similarities.data() + begin;
    part.result_stride = rows;
    compute(input, part, dots);
  });
  at::parallel_for(0, segment.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::span<const float> all(similarities.data() + b * rows, static_cast<std::size_t>(rows));
      const auto best = select_best(all, static_cast<std::int32_t>(segment.begin), static_cast<std::size_t>(stages.keep), stages.reverse);
      auto& list = kept[static_cast<std::size_t>(b)];
      list.insert(list.end(), best.begin(), best.end());
    }
  });
}

/// A segment a thread: its similarities stay in the thread's cache until the best are found.
void keep_of_small_segments(const RankInput& input, const Block& all, const RankingStages& stages, simd::HalfDotsFunction dots,
                            const CancelToken* token, Kept& kept) {
  const std::int64_t segments = (all.end - all.begin + stages.segment_rows - 1) / stages.segment_rows;
  std::vector<Kept> of_segment(static_cast<std::size_t>(segments));
  share_out(segments, [&](std::int64_t index) {
    if (token) token->check();
    std::vector<float> similarities(static_cast<std::size_t>(all.batch * stages.segment_rows));
    Block segment = all;
    segment.begin = all.begin + index * stages.segment_rows;
    segment.end = std::min(segment.begin + stages.segment_rows, all.end);
    segment.results = similarities.data();
    segment.result_stride = stages.segment_rows;
    compute(input, segment, dots);
    for (std::int64_t b = 0; b < all.batch; ++b) {
      const std::span<const float> ours(similarities.data() + b * stages.segment_rows,
                                        static_cast<std::size_t>(segment.end - segment.begin));
      of_segment[static_cast<std::size_t>(index)].push_back(
          select_best(ours, static_cast<std::int32_t>(segment.begin), static_cast<std::size_t>(stages.keep), stages.reverse));
    }
  });
  for (const Kept& lists : of_segment) {
    for (std::size_t b = 0; b < lists.size(); ++b) kept[b].insert(kept[b].end(), lists[b].begin(), lists[b].end());
  }
}

Kept first_stage(const RankInput& input, Block all, const RankingStages& stages, simd::HalfDotsFunction dots, const CancelToken* token) {
  if (stages.segment_rows == 0 && stages.k <= kMostOfThread) return keep_in_heaps(input, all, stages, dots, token);
  Kept kept(static_cast<std::size_t>(all.batch));
  if (stages.segment_rows == 0) {
    RankingStages whole = stages;
    whole.keep = stages.k;
    keep_of_large_segment(input, all, whole, dots, token, kept);
    return kept;
  }
  if (stages.segment_rows <= kSmallSegment) {
    keep_of_small_segments(input, all, stages, dots, token, kept);
    return kept;
  }
  for (std::int64_t begin = all.begin; begin < all.end; begin += stages.segment_rows) {
    Block segment = all;
    segment.begin = begin;
    segment.end = std::min(begin + stages.segment_rows, all.end);
    keep_of_large_segment(input, segment, stages, dots, token, kept);
  }
  return kept;
}

void second_stage(std::vector<Ranked>& entries, const RankingStages& stages, TopK& result) {
  if (stages.final_reverse != stages.reverse) {
    for (Ranked& entry : entries) entry = entry.ordered(stages.final_reverse);
  }
  keep_best(entries, static_cast<std::size_t>(result.k));
  for (const Ranked& entry : entries) {
    result.indices.push_back(entry.index());
    result.similarities.push_back(entry.similarity);
  }
}

/// Features that share a pass over the matrix.
std::int64_t features_per_pass(const RankingStages& stages, std::int64_t rows) {
  const bool at_once = stages.segment_rows == 0 && stages.k > kMostOfThread;
  return std::clamp<std::int64_t>(kMostSimilarities / std::max(at_once ? rows : stages.segment_rows, kSmallSegment), 1, 64);
}

}  // namespace

TopK cosine_top_k(const RankInput& input, std::int64_t k, bool reverse, const CancelToken* token, SimdSet set) {
  return rank(input, {.k = k, .reverse = reverse}, token, set);
}

TopK rank(const RankInput& input, const TopKOptions& options, const CancelToken* token, SimdSet set) {
  const simd::HalfDotsFunction dots = INTERROGATOR_CHOOSE(set, simd::half_dots);
  const std::int64_t rows = row_count(input);
  const RankingStages stages = ranking_stages(options, rows);
  TopK result;
  result.rows = input.batch;
  result.k = stages.k;
  const std::int64_t most = features_per_pass(stages, rows);
  for (std::int64_t first = 0; first < input.batch; first += most) {
    if (token) token->check();
    const Block all{.first_feature = first, .batch = std::min(most, input.batch - first), .begin = 0, .end = rows};
    Kept kept = first_stage(input, all, stages, dots, token);
    for (std::vector<Ranked>& entries : kept) second_stage(entries, stages, result);
  }
  return result;
}

}  // namespace interrogator::ops
