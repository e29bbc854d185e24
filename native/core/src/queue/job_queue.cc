#include "queue/job_queue.h"

#include <algorithm>
#include <condition_variable>
#include <future>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "interrogator/error.h"
#include "queue/schedule.h"

namespace interrogator {

namespace {

std::exception_ptr aborted() { return std::make_exception_ptr(Error(ErrorCode::kAborted, "cancelled by the caller")); }

bool is_abort(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& failure) {
    return failure.code() == ErrorCode::kAborted;
  } catch (...) {
    return false;
  }
}

/// Frees what the job holds before anyone hears of the result, so that memory counted after a
/// result does not include the job's.
void settle(QueuedJob& queued, std::exception_ptr error) noexcept {
  queued.job = nullptr;
  try {
    queued.done(std::move(error));
  } catch (...) {
    // Nobody is left to tell, and the thread must live on.
  }
  queued.done = nullptr;
}

void settle_all(Removed removed, const std::exception_ptr& error) noexcept {
  removed.batches.clear();
  for (QueuedJob& job : removed.jobs) settle(job, error);
}

}  // namespace

struct JobQueue::Shared {
  Shared(std::string name, Options given) : owner(std::move(name)), options(std::move(given)) {}

  const std::string owner;
  Options options;
  std::thread::id thread_id;  // written before the constructor returns, constant after

  mutable std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  Schedule schedule;
  JobCounts counts;
  bool closing = false;

  // The thread's own:
  bool worked = false;
  bool slept = false;  // before the turn at hand

  /// With the mutex held.
  Removed take_cancelled() {
    Removed removed = schedule.take_cancelled();
    counts.cancelled += removed.jobs.size();
    return removed;
  }

  /// Waits for a turn; none once closed.
  std::optional<Schedule::Turn> next() {
    std::unique_lock lock(mutex);
    const auto called = [this] { return closing || schedule.has_next(); };
    slept = !worked || !called();
    if (std::exchange(worked, true) && options.rest && !wake.wait_for(lock, kRestAfter, called)) {
      lock.unlock();
      options.rest();
      lock.lock();
    }
    wake.wait(lock, called);
    if (closing) return std::nullopt;
    counts.busy = true;
    Schedule::Turn turn = schedule.next();
    const Group& group = turn.entry;
    if (!group.batch && !group.key.empty()) {
      ++counts.batches;
      counts.batched += group.jobs.size();
      counts.largest_batch = std::max(counts.largest_batch, group.jobs.size());
    }
    return turn;
  }

  /// One slice of a group: what ends with it is moved out of the group into the answer, in order.
  std::vector<std::pair<QueuedJob, std::exception_ptr>> run_slice(Group& group) noexcept {
    std::vector<std::pair<QueuedJob, std::exception_ptr>> ended;
    const auto take_out = [&](auto job, std::exception_ptr error) {
      ended.emplace_back(std::move(*job), std::move(error));
      group.jobs.erase(job);
    };
    try {
      options.surround([&] {
        if (!group.batch) begin(group);
        std::vector<std::size_t> left;
        for (const QueuedJob& each : group.jobs) left.push_back(each.place);
        for (Ended& each : group.batch->advance(left)) {
          const auto job =
              std::find_if(group.jobs.begin(), group.jobs.end(), [&](const QueuedJob& one) { return one.place == each.place; });
          if (job != group.jobs.end()) take_out(job, std::move(each.error));
        }
      });
    } catch (...) {
      while (!group.jobs.empty()) take_out(group.jobs.begin(), std::current_exception());
    }
    return ended;
  }

  static void begin(Group& group) {
    std::vector<JobPtr> jobs;
    for (QueuedJob& each : group.jobs) {
      each.place = jobs.size();
      jobs.push_back(std::move(each.job));
    }
    Job& first = *jobs.front();
    group.batch = first.begin(std::move(jobs));
  }

  std::exception_ptr disposed() const {
    return std::make_exception_ptr(Error(ErrorCode::kDisposed, owner + " was closed before this job ended"));
  }

  /// A turn. Jobs that a slice does not end are ended after it where the queue is closing.
  void serve(Schedule::Turn turn) noexcept {
    Group& group = turn.entry;
    const auto first = std::stable_partition(group.jobs.begin(), group.jobs.end(), [](const QueuedJob& job) { return !job.cancelled(); });
    std::vector<std::pair<QueuedJob, std::exception_ptr>> ended;
    for (auto job = first; job != group.jobs.end(); ++job) ended.emplace_back(std::move(*job), aborted());
    group.jobs.erase(first, group.jobs.end());

    const std::size_t served = group.jobs.size();
    double seconds = 0;
    if (served > 0) {
      const double start = options.clock();
      auto finished = run_slice(group);
      seconds = options.clock() - start;
      std::move(finished.begin(), finished.end(), std::back_inserter(ended));
    }
    std::unique_ptr<Batch> finished;  // destroyed outside the lock, and before anyone hears of an end
    {
      const std::lock_guard lock(mutex);
      if (served > 0) ++counts.slices;
      if (closing) {
        for (QueuedJob& job : group.jobs) ended.emplace_back(std::move(job), disposed());
        group.jobs.clear();
      }
      if (group.jobs.empty()) finished = std::move(group.batch);
      for (const auto& [job, error] : ended) ++(!error ? counts.completed : is_abort(error) ? counts.cancelled : counts.failed);
      counts.busy = false;
      counts.busy_seconds += seconds;
      schedule.give_back(std::move(turn), seconds, served);
    }
    finished = nullptr;
    for (auto& [job, error] : ended) settle(job, std::move(error));
  }

  /// Until closed. What a turn held is destroyed outside the lock: it may own the queue's last reference.
  void run() {
    while (std::optional<Schedule::Turn> turn = next()) {
      if (slept && options.wake) options.wake();
      serve(std::move(*turn));
    }
  }
};

JobQueue::JobQueue(std::string owner, Options options) : shared_(std::make_shared<Shared>(std::move(owner), std::move(options))) {
  std::promise<void> promise;
  std::future<void> started = promise.get_future();
  thread_ = std::thread([shared = shared_, prepared = std::move(promise)]() mutable {
    shared->thread_id = std::this_thread::get_id();
    try {
      shared->options.prepare();
    } catch (...) {
      prepared.set_exception(std::current_exception());
      return;
    }
    prepared.set_value();
    shared->run();
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

void JobQueue::submit(JobPtr job, Done done, CancelTokenPtr token) {
  Removed swept;
  std::exception_ptr refusal;
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->closing) throw Error(ErrorCode::kDisposed, shared_->owner + " is closed; open it again");
    const std::size_t most = shared_->options.max_waiting;
    if (shared_->schedule.waiting() >= most) swept = shared_->take_cancelled();
    const std::size_t count = shared_->schedule.waiting();
    if (count < most) {
      shared_->schedule.add({std::move(job), std::move(done), std::move(token)});
    } else {
      ++shared_->counts.refused;
      refusal = std::make_exception_ptr(
          Error(ErrorCode::kBusy, shared_->owner + " has " + std::to_string(count) +
                                      " jobs waiting, the most it takes; wait for some of them, or open it with a larger maxQueue"));
    }
  }
  shared_->wake.notify_one();
  settle_all(std::move(swept), aborted());
  if (refusal) std::rethrow_exception(refusal);
}

void JobQueue::sweep_cancelled() {
  Removed swept;
  {
    const std::lock_guard lock(shared_->mutex);
    swept = shared_->take_cancelled();
  }
  shared_->wake.notify_one();
  settle_all(std::move(swept), aborted());
}

void JobQueue::close() {
  Removed rejected;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->closing = true;
    rejected = shared_->schedule.take_all();
    shared_->counts.failed += rejected.jobs.size();
  }
  shared_->wake.notify_all();
  settle_all(std::move(rejected), shared_->disposed());
  if (std::this_thread::get_id() == shared_->thread_id) return;  // it cannot join itself
  const std::lock_guard lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

JobCounts JobQueue::counts() const {
  const std::lock_guard lock(shared_->mutex);
  JobCounts counts = shared_->counts;
  counts.queued = shared_->schedule.waiting();
  return counts;
}

}  // namespace interrogator
