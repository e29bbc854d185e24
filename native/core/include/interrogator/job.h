// What a device's queue runs: jobs, alone or several as one batch, a slice at a time. Knows nothing of libtorch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace interrogator {

/// A job of a batch that ends: its place among the jobs that the batch began with, and null or why it failed.
struct Ended {
  std::size_t place = 0;
  std::exception_ptr error;
};

/// Jobs on their way. Runs, and mostly dies, on the queue's thread; one that is left over dies where it is swept or closed.
class Batch {
 public:
  virtual ~Batch() = default;
  /// Runs one slice. `left`: the places of the jobs that neither ended nor were cancelled, rising, at least one;
  /// what belongs to others is to be dropped. Returns those that end with it, of which nothing may be kept. What
  /// it throws ends all that are left.
  virtual std::vector<Ended> advance(const std::vector<std::size_t>& left) = 0;
};

/// Jobs with the same key may run as one batch; with an empty one, each alone.
using MergeKey = std::vector<std::uintptr_t>;

class Job;
using JobPtr = std::unique_ptr<Job>;

class Job {
 public:
  virtual ~Job() = default;
  virtual MergeKey key() const { return {}; }
  /// Most jobs of this key that run as one batch.
  virtual std::size_t most() const { return 1; }
  /// Jobs of one key, in the order in which they came, this one first. On the queue's thread. What it throws ends all.
  virtual std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) = 0;
};

class SlicedJob final : public Job, public Batch {
 public:
  explicit SlicedJob(std::function<bool()> slice) : slice_(std::move(slice)) {}

  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
    return std::unique_ptr<Batch>(static_cast<SlicedJob*>(jobs.front().release()));
  }
  std::vector<Ended> advance(const std::vector<std::size_t>&) override {
    return slice_() ? std::vector<Ended>{{0, nullptr}} : std::vector<Ended>();
  }

 private:
  const std::function<bool()> slice_;
};

/// A job that runs alone. slice: called until it says that it was the last, or throws.
inline JobPtr sliced_job(std::function<bool()> slice) { return std::make_unique<SlicedJob>(std::move(slice)); }

/// What became of a queue's jobs.
struct JobCounts {
  std::size_t queued = 0;  ///< unfinished, without those that a slice runs for now
  bool busy = false;       ///< a slice runs now
  std::uint64_t completed = 0, failed = 0, cancelled = 0, refused = 0;
  std::uint64_t slices = 0;
  double busy_seconds = 0;                 ///< that slices took
  std::uint64_t batches = 0, batched = 0;  ///< of jobs with a key: batches begun, and jobs in them
  std::size_t largest_batch = 0;
};

}  // namespace interrogator
