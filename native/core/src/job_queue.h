// One worker thread and a bounded queue in front of it. Knows nothing of libtorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "interrogator/cancel.h"

namespace interrogator {

struct JobCounts {
  std::size_t queued = 0;
  bool busy = false;
  std::uint64_t completed = 0, failed = 0, cancelled = 0, refused = 0;
};

class JobQueue {
 public:
  using Work = std::function<void()>;
  using Done = std::function<void(std::exception_ptr)>;

  /// Starts the thread and waits for `prepare` to run on it. Rethrows what that threw.
  /// `owner` names the queue in error messages.
  JobQueue(std::string owner, std::size_t max_waiting, const Work& prepare);
  /// Closes. Where the last reference is dropped by a job on the queue's own thread, that thread
  /// finishes by itself after the job.
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  /// Throws kBusy where max_waiting jobs wait, kDisposed after close; `done` is then never called.
  void submit(Work work, Done done, CancelTokenPtr token);
  /// Settles waiting jobs whose token is cancelled, on the calling thread.
  void sweep_cancelled();
  /// Rejects waiting jobs with kDisposed on the calling thread, then waits for the running one
  /// (not when called from it).
  void close();

  bool closed() const noexcept;
  bool on_own_thread() const noexcept;
  JobCounts counts() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  // with the thread, which may outlive this object
  std::mutex join_mutex_;
  std::thread thread_;
};

}  // namespace interrogator
