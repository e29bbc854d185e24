#include "job_queue.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <future>
#include <iterator>
#include <utility>
#include <vector>

#include "interrogator/error.h"

namespace interrogator {

namespace {

struct Job {
  JobQueue::Work work;
  JobQueue::Done done;
  CancelTokenPtr token;

  bool cancelled() const noexcept { return token && token->cancelled(); }

  /// Frees what the work holds before anyone hears of the result, so that memory counted after a
  /// result does not include the job's.
  void settle(std::exception_ptr error) noexcept {
    work = nullptr;
    try {
      done(std::move(error));
    } catch (...) {
      // Nobody is left to tell, and the thread must live on.
    }
    done = nullptr;
  }
};

std::exception_ptr aborted() { return std::make_exception_ptr(Error(ErrorCode::kAborted, "cancelled before it started")); }

void settle_all(std::vector<Job>& jobs, const std::exception_ptr& error) noexcept {
  for (Job& job : jobs) job.settle(error);
}

}  // namespace

struct JobQueue::Shared {
  Shared(std::string name, std::size_t limit) : owner(std::move(name)), max_waiting(limit) {}

  const std::string owner;
  const std::size_t max_waiting;
  std::thread::id thread_id;  // written before the constructor returns, constant after

  mutable std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> waiting;
  JobCounts counts;
  bool closing = false;

  /// Takes the cancelled jobs out of the queue. With the mutex held.
  std::vector<Job> take_cancelled() {
    const auto first = std::stable_partition(waiting.begin(), waiting.end(), [](const Job& job) { return !job.cancelled(); });
    std::vector<Job> taken(std::make_move_iterator(first), std::make_move_iterator(waiting.end()));
    waiting.erase(first, waiting.end());
    counts.cancelled += taken.size();
    return taken;
  }

  void run(Job& job) noexcept {
    std::exception_ptr error;
    bool was_cancelled = job.cancelled();
    if (was_cancelled) {
      error = aborted();
    } else {
      try {
        job.work();
      } catch (const Error& failure) {
        was_cancelled = failure.code() == ErrorCode::kAborted;
        error = std::current_exception();
      } catch (...) {
        error = std::current_exception();
      }
    }
    {
      const std::lock_guard lock(mutex);
      counts.busy = false;
      ++(was_cancelled ? counts.cancelled : error ? counts.failed : counts.completed);
    }
    job.settle(std::move(error));
  }

  /// Until closed. The job is destroyed outside the lock: it may own the queue's last reference.
  void serve() {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [this] { return closing || !waiting.empty(); });
        if (closing) return;
        job = std::move(waiting.front());
        waiting.pop_front();
        counts.busy = true;
      }
      run(job);
    }
  }
};

JobQueue::JobQueue(std::string owner, std::size_t max_waiting, const Work& prepare)
    : shared_(std::make_shared<Shared>(std::move(owner), max_waiting)) {
  std::promise<void> promise;
  std::future<void> started = promise.get_future();
  thread_ = std::thread([shared = shared_, &prepare, prepared = std::move(promise)]() mutable {
    shared->thread_id = std::this_thread::get_id();
    try {
      prepare();
    } catch (...) {
      prepared.set_exception(std::current_exception());
      return;
    }
    prepared.set_value();
    shared->serve();
  });
  try {
    started.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

JobQueue::~JobQueue() {
  close();
  if (thread_.joinable()) thread_.detach();  // only on the queue's own thread, which cannot join itself
}

void JobQueue::submit(Work work, Done done, CancelTokenPtr token) {
  std::vector<Job> swept;
  std::exception_ptr refusal;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->closing) throw Error(ErrorCode::kDisposed, shared_->owner + " is closed; open it again");
    if (shared_->waiting.size() >= shared_->max_waiting) swept = shared_->take_cancelled();
    const std::size_t count = shared_->waiting.size();
    if (count < shared_->max_waiting) {
      shared_->waiting.push_back({std::move(work), std::move(done), std::move(token)});
    } else {
      ++shared_->counts.refused;
      refusal = std::make_exception_ptr(
          Error(ErrorCode::kBusy, shared_->owner + " has " + std::to_string(count) +
                                      " jobs waiting, the most it takes; wait for some of them, or open it with a larger maxQueue"));
    }
  }
  shared_->wake.notify_one();
  settle_all(swept, aborted());
  if (refusal) std::rethrow_exception(refusal);
}

void JobQueue::sweep_cancelled() {
  std::vector<Job> swept;
  {
    const std::lock_guard lock(shared_->mutex);
    swept = shared_->take_cancelled();
  }
  settle_all(swept, aborted());
}

void JobQueue::close() {
  std::vector<Job> rejected;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closing = true;
    rejected.assign(std::make_move_iterator(shared_->waiting.begin()), std::make_move_iterator(shared_->waiting.end()));
    shared_->waiting.clear();
    shared_->counts.failed += rejected.size();
  }
  shared_->wake.notify_all();
  settle_all(rejected, std::make_exception_ptr(Error(ErrorCode::kDisposed, shared_->owner + " was closed before this job started")));
  if (on_own_thread()) return;
  const std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

bool JobQueue::closed() const noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->closing;
}

bool JobQueue::on_own_thread() const noexcept { return std::this_thread::get_id() == shared_->thread_id; }

JobCounts JobQueue::counts() const {
  const std::lock_guard lock(shared_->mutex);
  JobCounts counts = shared_->counts;
  counts.queued = shared_->waiting.size();
  return counts;
}

}  // namespace interrogator
