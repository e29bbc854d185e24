// Jobs for tests of the queue: some that block, some in slices, some that merge. Without libtorch.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "interrogator/error.h"
#include "queue/job_queue.h"

namespace interrogator::test {

class Queue : public JobQueue {
 public:
  using JobQueue::JobQueue;
  using JobQueue::submit;
  /// A job of one slice.
  void submit(Work work, Done done, CancelTokenPtr token) {
    submit(sliced_job([work = std::move(work)] {
             work();
             return true;
           }),
           std::move(done), std::move(token));
  }
};

/// How jobs ended, by code; the waiter sees each settle.
struct Outcome {
  std::promise<void> promise;
  std::future<void> future = promise.get_future();
  std::atomic<int> calls{0};

  JobQueue::Done done() {
    return [this](std::exception_ptr error) {
      if (calls.fetch_add(1) > 0) return;
      if (error) promise.set_exception(error);
      else promise.set_value();
    };
  }
  bool settled() { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  ErrorCode code() {
    try {
      future.get();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "the job succeeded";
    return ErrorCode::kRuntime;
  }
};

/// Keeps the queue's thread busy until released.
class Blocker {
 public:
  explicit Blocker(Queue& queue) {
    queue.submit(
        [this] {
          started_.set_value();
          release_.get_future().wait();
        },
        outcome.done(), nullptr);
    started_.get_future().wait();
  }
  void release() { release_.set_value(); }
  Outcome outcome;

 private:
  std::promise<void> started_, release_;
};

inline JobQueue::Work nothing() {
  return [] {};
}

/// Slices that each take a second of the test's own clock and leave a letter.
struct Course {
  double now = 0;
  std::string log;
  std::function<double()> clock() {
    return [this] { return now; };
  }
};

class Slices final : public Job, public Batch {
 public:
  Slices(Course& course, char letter, int count, double seconds) : course_(course), letter_(letter), count_(count), seconds_(seconds) {}
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
    return std::unique_ptr<Batch>(static_cast<Slices*>(jobs.front().release()));
  }
  std::vector<Ended> advance(const std::vector<std::size_t>&) override {
    course_.log += letter_;
    course_.now += seconds_;
    return --count_ > 0 ? std::vector<Ended>() : std::vector<Ended>{{0, nullptr}};
  }

 private:
  Course& course_;
  const char letter_;
  int count_;
  const double seconds_;
};

/// Jobs that merge: what their batches were is written down.
struct Merging {
  std::vector<std::vector<int>> batches;  ///< the numbers of the jobs of each slice
  std::function<std::vector<Ended>(const std::vector<int>& numbers, const std::vector<std::size_t>& left)> advance =
      [](const std::vector<int>&, const std::vector<std::size_t>& left) {
        std::vector<Ended> all;
        for (const std::size_t place : left) all.push_back({place, nullptr});
        return all;
      };
};

class MergingJob final : public Job {
 public:
  MergingJob(Merging& merging, int number, std::uintptr_t key = 1, std::size_t most = 3)
      : merging_(merging), number_(number), key_(key), most_(most) {}
  MergeKey key() const override { return {key_}; }
  std::size_t most() const override { return most_; }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
    class Together final : public Batch {
     public:
      explicit Together(std::vector<JobPtr> jobs) : jobs_(std::move(jobs)) {}
      std::vector<Ended> advance(const std::vector<std::size_t>& left) override {
        Merging& merging = static_cast<MergingJob&>(*jobs_.front()).merging_;
        std::vector<int> numbers;
        for (const std::size_t place : left) numbers.push_back(static_cast<MergingJob&>(*jobs_[place]).number_);
        merging.batches.push_back(numbers);
        return merging.advance(numbers, left);
      }

     private:
      std::vector<JobPtr> jobs_;
    };
    return std::make_unique<Together>(std::move(jobs));
  }

 private:
  Merging& merging_;
  const int number_;
  const std::uintptr_t key_;
  const std::size_t most_;
};

using Batches = std::vector<std::vector<int>>;

}  // namespace interrogator::test
