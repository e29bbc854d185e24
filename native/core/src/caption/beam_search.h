// One image's beams: which sequences go on and which are finished, as transformers' generate chooses them (num_beams, length_penalty 1,
// early_stopping false). Knows scores and ids alone; who computes them does not matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace interrogator {

/// A beam with one id more.
struct BeamCandidate {
  float score = 0;  ///< the sum of its log probabilities
  std::size_t beam = 0;
  std::int64_t id = 0;
};

struct Beam {
  float score = 0;
  std::size_t parent = 0;         ///< the beam of the step before that it goes on from
  std::vector<std::int64_t> ids;  ///< new ones
};

class BeamSearch {
 public:
  BeamSearch(std::size_t beams, std::int64_t eos_id, std::int64_t max_tokens);

  /// Of how many candidates it has to choose: as many as leave enough beams, should all of them end.
  std::size_t candidates() const noexcept { return 2 * running_.size(); }

  /// The best continuations of all beams, the best first.
  void take(std::span<const BeamCandidate> candidates);

  /// No beam can become better than what is finished, or all are as long as they may be.
  bool done() const noexcept { return done_; }

  /// The beams that go on, the best first. Before the first step all are the same, and only the first one's candidates are taken.
  const std::vector<Beam>& running() const noexcept { return running_; }

  /// The best finished ids, the end token included where reached.
  std::vector<std::int32_t> best() const;

 private:
  struct Finished {
    float score = 0;  ///< the mean log probability
    bool ended = false;
    std::vector<std::int64_t> ids;
  };

  bool ends(const BeamCandidate& candidate) const;
  void keep_running(std::span<const BeamCandidate> candidates);
  void keep_finished(std::span<const BeamCandidate> candidates);
  bool can_improve() const;

  std::int64_t eos_id_, max_tokens_;
  std::int64_t length_ = 0;  // of the running ids
  std::vector<Beam> running_;
  std::vector<Finished> finished_;  // the best first; some stand for none
  bool done_ = false;
};

}  // namespace interrogator
