// Which jobs run next, and which of them together. No threads, no clock: job_queue guards and times it.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "interrogator/cancel.h"
#include "interrogator/job.h"
#include "queue/fair_queue.h"

namespace interrogator {

/// A job and who hears of its end.
struct QueuedJob {
  JobPtr job;  ///< null once its batch has begun
  std::function<void(std::exception_ptr)> done;
  CancelTokenPtr token;
  std::size_t place = 0;  ///< in its batch

  bool cancelled() const noexcept { return token && token->cancelled(); }
};

/// What takes turns: one job that waits, or several that are under way as one batch.
struct Group {
  std::vector<QueuedJob> jobs;
  std::unique_ptr<Batch> batch;  ///< null: not begun
  MergeKey key;
};

/// What was taken out. The batches first: none may outlive the news that its jobs have ended.
struct Removed {
  std::vector<std::unique_ptr<Batch>> batches;
  std::vector<QueuedJob> jobs;
};

class Schedule {
 public:
  using Turn = FairQueue<Group>::Turn;

  void add(QueuedJob job);
  /// Unfinished jobs that no turn was given to.
  std::size_t waiting() const noexcept { return waiting_; }
  bool has_next() const noexcept { return !turns_.empty(); }

  /// The group whose turn it is. One that begins is joined by the jobs with its key, in the order in
  /// which they came, as many as the first allows.
  Turn next();
  /// A turn has ended that took `seconds` for `served` jobs. What is left of the group waits for
  /// another, and the other jobs with its key wait until nothing is left of it.
  void give_back(Turn turn, double seconds, std::size_t served);

  Removed take_cancelled();
  Removed take_all();

 private:
  template <class Wanted>
  Removed take(const Wanted& wanted);
  void hold(const MergeKey& key);
  void end(const MergeKey& key);

  FairQueue<Group> turns_;
  std::map<MergeKey, std::vector<Group>> under_way_;  // by the key of a batch that goes on: the jobs that wait for its end
  std::size_t waiting_ = 0, held_ = 0;                // held: those in under_way_
};

}  // namespace interrogator
