// One worker thread and a bounded queue in front of it. Knows nothing of libtorch.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "interrogator/cancel.h"
#include "interrogator/job.h"

namespace interrogator {

/// Jobs take turns, a slice each, by how long their slices took (fair_queue.h). Those that wait with the key of the job
/// whose turn has come run with it as one batch. One batch of a key is under way at a time: who comes meanwhile waits,
/// and the next batch is the larger for it.
class JobQueue {
 public:
  using Work = std::function<void()>;
  using Done = std::function<void(std::exception_ptr)>;

  static constexpr std::chrono::milliseconds kRestAfter{500};

  struct Options {
    std::size_t max_waiting = 1;
    /// Runs on the thread before it takes jobs.
    Work prepare = [] {};
    /// Runs each slice: calls it, in whatever surroundings it needs.
    std::function<void(const Work& slice)> surround = [](const Work& slice) { slice(); };
    /// Runs on the thread before its first slice, and before the first after it had nothing to do. Must not throw. Null: nothing.
    Work wake = nullptr;
    /// Runs on the thread once it has had nothing to do for kRestAfter since its last slice. Must not throw. Null: nothing.
    Work rest = nullptr;
    /// Seconds, to measure slices by.
    std::function<double()> clock = [] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
    };
  };

  /// Starts the thread and waits for `prepare`. Rethrows what that threw. `owner` names the queue in error messages.
  JobQueue(std::string owner, Options options);
  /// Closes. Where the last reference is dropped by a job on the queue's own thread, that thread
  /// finishes by itself after the job.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// Throws kBusy where max_waiting jobs wait, kDisposed after close; `done` is then never called.
  void submit(JobPtr job, Done done, CancelTokenPtr token);
  /// Settles jobs whose token is cancelled, on the calling thread; those of the running slice settle after it.
  void sweep_cancelled();
  /// Ends all jobs that wait with kDisposed on the calling thread, then waits for the running slice (not when called from
  /// it); its jobs that do not end with that slice end with kDisposed too.
  void close();

  JobCounts counts() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the thread, which may outlive this object
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace interrogator
