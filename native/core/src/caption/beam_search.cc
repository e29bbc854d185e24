#include "caption/beam_search.h"

#include <algorithm>
#include <utility>

namespace interrogator {

namespace {

// transformers' number for what must not be chosen. It is added, so that what it is added to is rounded away.
constexpr float kOut = -1.0e9F;

template <class Entry>
void keep_best(std::vector<Entry>& entries, std::size_t count) {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& one, const Entry& other) { return one.score > other.score; });
  entries.resize(count);
}

}  // namespace

BeamSearch::BeamSearch(std::size_t beams, std::int64_t eos_id, std::int64_t max_tokens)
    : eos_id_(eos_id), max_tokens_(max_tokens), running_(beams, Beam{kOut, 0, {}}), finished_(beams, Finished{kOut, false, {}}) {
  running_.front().score = 0;
}

bool BeamSearch::ends(const BeamCandidate& candidate) const { return candidate.id == eos_id_ || length_ == max_tokens_; }

void BeamSearch::take(std::span<const BeamCandidate> candidates) {
  ++length_;
  keep_finished(candidates);
  keep_running(candidates);
  done_ = length_ == max_tokens_ || !can_improve();
}

void BeamSearch::keep_running(std::span<const BeamCandidate> candidates) {
  std::vector<Beam> next;
  for (const BeamCandidate& each : candidates) {
    std::vector<std::int64_t> ids = running_[each.beam].ids;
    ids.push_back(each.id);
    next.push_back({ends(each) ? each.score + kOut : each.score, each.beam, std::move(ids)});
  }
  keep_best(next, running_.size());
  running_ = std::move(next);
}

/// Only the best beams may finish: the rest are there so that enough go on.
void BeamSearch::keep_finished(std::span<const BeamCandidate> candidates) {
  for (const BeamCandidate& each : candidates.first(running_.size())) {
    if (!ends(each)) continue;
    std::vector<std::int64_t> ids = running_[each.beam].ids;
    ids.push_back(each.id);
    finished_.push_back({each.score / static_cast<float>(length_), true, std::move(ids)});
  }
  keep_best(finished_, running_.size());
}

/// transformers' heuristic: the best beam's mean log probability, as long as it is now, against the worst of enough finished ones.
bool BeamSearch::can_improve() const {
  const float best_possible = running_.front().score / static_cast<float>(length_);
  const bool full = std::all_of(finished_.begin(), finished_.end(), [](const Finished& each) { return each.ended; });
  return best_possible > (full ? finished_.back().score : kOut);
}

std::vector<std::int32_t> BeamSearch::best() const {
  const std::vector<std::int64_t>& ids = finished_.front().ids;
  return {ids.begin(), ids.end()};
}

}  // namespace interrogator
