// The queue alone, without libtorch: quick enough to run under ThreadSanitizer.
#include "job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "interrogator/error.h"

namespace interrogator {
namespace {

using namespace std::chrono_literals;

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
  bool settled() { return future.wait_for(0s) == std::future_status::ready; }
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
  explicit Blocker(JobQueue& queue) {
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

JobQueue::Work nothing() {
  return [] {};
}

TEST(JobQueue, RunsJobsInTheOrderOfSubmissionOnOneThread) {
  JobQueue queue("test", {.max_waiting = 100});
  std::vector<int> order;
  std::vector<std::thread::id> threads;
  std::vector<Outcome> outcomes(50);
  for (int i = 0; i < 50; ++i) {
    queue.submit(
        [&, i] {
          order.push_back(i);
          threads.push_back(std::this_thread::get_id());
        },
        outcomes[i].done(), nullptr);
  }
  for (Outcome& outcome : outcomes) outcome.future.get();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(order[i], i);
    EXPECT_EQ(threads[i], threads[0]);
  }
  EXPECT_NE(threads[0], std::this_thread::get_id());
  EXPECT_EQ(queue.counts().completed, 50u);
}

TEST(JobQueue, PassesOnWhatPreparationThrew) {
  EXPECT_THROW(JobQueue("test", {.max_waiting = 1, .prepare = [] { throw Error(ErrorCode::kDevice, "no"); }}), Error);
}

TEST(JobQueue, RefusesOneMoreThanItsLimitAndSaysHowManyWait) {
  JobQueue queue("device 'cpu'", {.max_waiting = 2});
  Blocker blocker(queue);
  Outcome first, second, third;
  queue.submit(nothing(), first.done(), nullptr);
  queue.submit(nothing(), second.done(), nullptr);
  try {
    queue.submit(nothing(), third.done(), nullptr);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBusy);
    EXPECT_NE(std::string(error.what()).find("device 'cpu' has 2 jobs waiting"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("maxQueue"), std::string::npos) << error.what();
  }
  EXPECT_EQ(queue.counts().queued, 2u);
  EXPECT_TRUE(queue.counts().busy);
  EXPECT_EQ(queue.counts().refused, 1u);
  blocker.release();
  second.future.get();
  EXPECT_EQ(third.calls, 0);
}

TEST(JobQueue, TakesAJobWhereACancelledOneHeldThePlace) {
  JobQueue queue("test", {.max_waiting = 1});
  Blocker blocker(queue);
  const auto token = std::make_shared<CancelToken>();
  Outcome dropped, taken;
  queue.submit(nothing(), dropped.done(), token);
  token->cancel();
  queue.submit(nothing(), taken.done(), nullptr);
  EXPECT_EQ(dropped.code(), ErrorCode::kAborted);
  blocker.release();
  taken.future.get();
}

TEST(JobQueue, DoesNotRunAJobThatWasCancelledBeforeItsTurn) {
  JobQueue queue("test", {.max_waiting = 4});
  Blocker blocker(queue);
  const auto token = std::make_shared<CancelToken>();
  Outcome outcome;
  bool ran = false;
  queue.submit([&] { ran = true; }, outcome.done(), token);
  token->cancel();
  EXPECT_FALSE(outcome.settled());
  blocker.release();
  EXPECT_EQ(outcome.code(), ErrorCode::kAborted);
  EXPECT_FALSE(ran);
  EXPECT_EQ(queue.counts().cancelled, 1u);
}

TEST(JobQueue, SweepSettlesCancelledJobsWhileAnotherRuns) {
  JobQueue queue("test", {.max_waiting = 4});
  Blocker blocker(queue);
  const auto token = std::make_shared<CancelToken>();
  Outcome cancelled, kept;
  queue.submit(nothing(), cancelled.done(), token);
  queue.submit(nothing(), kept.done(), std::make_shared<CancelToken>());
  token->cancel();
  queue.sweep_cancelled();
  EXPECT_EQ(cancelled.code(), ErrorCode::kAborted);
  EXPECT_FALSE(kept.settled());
  EXPECT_EQ(queue.counts().queued, 1u);
  blocker.release();
  kept.future.get();
}

TEST(JobQueue, SweepMaySubmitAgainFromDone) {
  JobQueue queue("test", {.max_waiting = 4});
  Blocker blocker(queue);
  const auto token = std::make_shared<CancelToken>();
  Outcome again;
  queue.submit(nothing(), [&](std::exception_ptr) { queue.submit(nothing(), again.done(), nullptr); }, token);
  token->cancel();
  queue.sweep_cancelled();
  blocker.release();
  again.future.get();
}

TEST(JobQueue, GivesWhatTheWorkThrewAndGoesOn) {
  JobQueue queue("test", {.max_waiting = 4});
  Outcome failed, foreign, fine;
  queue.submit([] { throw Error(ErrorCode::kImageSize, "no pixels"); }, failed.done(), nullptr);
  queue.submit([] { throw 7; }, foreign.done(), nullptr);
  queue.submit(nothing(), fine.done(), nullptr);
  EXPECT_EQ(failed.code(), ErrorCode::kImageSize);
  EXPECT_THROW(foreign.future.get(), int);
  fine.future.get();
  EXPECT_EQ(queue.counts().failed, 2u);
}

TEST(JobQueue, SurvivesADoneThatThrows) {
  JobQueue queue("test", {.max_waiting = 4});
  Outcome fine;
  queue.submit(nothing(), [](std::exception_ptr) { throw std::runtime_error("from done"); }, nullptr);
  queue.submit(nothing(), fine.done(), nullptr);
  fine.future.get();
}

TEST(JobQueue, FreesTheWorkBeforeItSettles) {
  JobQueue queue("test", {.max_waiting = 4});
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  std::promise<bool> expired;
  queue.submit([held = std::move(held)] {}, [&](std::exception_ptr) { expired.set_value(watched.expired()); }, nullptr);
  EXPECT_TRUE(expired.get_future().get());
}

TEST(JobQueue, CloseWaitsForTheRunningJobAndRejectsTheRest) {
  JobQueue queue("test", {.max_waiting = 4});
  Blocker blocker(queue);
  Outcome waiting;
  queue.submit(nothing(), waiting.done(), nullptr);
  std::atomic<bool> returned{false};
  std::thread closer([&] {
    queue.close();
    returned = true;
  });
  EXPECT_EQ(waiting.code(), ErrorCode::kDisposed);
  EXPECT_FALSE(returned);
  EXPECT_FALSE(blocker.outcome.settled());
  blocker.release();
  closer.join();
  blocker.outcome.future.get();
  EXPECT_TRUE(queue.closed());
  Outcome late;
  try {
    queue.submit(nothing(), late.done(), nullptr);
    FAIL() << "taken after close";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDisposed);
  }
  EXPECT_EQ(late.calls, 0);
  queue.close();
}

TEST(JobQueue, ClosesFromItsOwnThreadWithoutWaitingForItself) {
  JobQueue queue("test", {.max_waiting = 4});
  Outcome closing;
  queue.submit([&] { queue.close(); }, closing.done(), nullptr);
  closing.future.get();
  queue.close();
}

TEST(JobQueue, MayBeDestroyedByTheJobThatHoldsItsLastReference) {
  auto queue = std::make_shared<JobQueue>("test", JobQueue::Options{.max_waiting = 4});
  std::promise<void> go;
  Outcome last, waiting;
  JobQueue& alias = *queue;
  alias.submit([&go, self = queue] { go.get_future().wait(); }, last.done(), nullptr);
  alias.submit(nothing(), waiting.done(), nullptr);
  queue.reset();
  go.set_value();
  last.future.get();
  EXPECT_EQ(waiting.code(), ErrorCode::kDisposed);
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

TEST(JobQueue, GivesAShortJobItsTurnAfterOneSliceOfALongOne) {
  Course course;
  JobQueue queue("test", {.max_waiting = 9, .clock = course.clock()});
  Blocker blocker(queue);
  Outcome long_one, short_one, steps;
  queue.submit(std::make_unique<Slices>(course, 'L', 4, 1.0), long_one.done(), nullptr);
  queue.submit(std::make_unique<Slices>(course, 's', 1, 0.125), short_one.done(), nullptr);
  queue.submit(std::make_unique<Slices>(course, 'd', 12, 0.25), steps.done(), nullptr);
  blocker.release();
  for (Outcome* const each : {&long_one, &short_one, &steps}) each->future.get();
  EXPECT_EQ(course.log, "LsddddLddddLddddL");
  EXPECT_EQ(queue.counts().slices, 18u);
}

TEST(JobQueue, MergesWhatWaitsWithOneKeyInTheOrderOfArrivalUpToTheMost) {
  Merging merging;
  JobQueue queue("test", {.max_waiting = 99});
  Blocker blocker(queue);
  std::vector<Outcome> outcomes(9);
  for (int i = 0; i < 7; ++i) queue.submit(std::make_unique<MergingJob>(merging, i), outcomes[i].done(), nullptr);
  queue.submit(std::make_unique<MergingJob>(merging, 70, 2), outcomes[7].done(), nullptr);
  queue.submit(std::make_unique<MergingJob>(merging, 71, 2), outcomes[8].done(), nullptr);
  blocker.release();
  for (Outcome& outcome : outcomes) outcome.future.get();
  EXPECT_EQ(merging.batches, (Batches{{0, 1, 2}, {3, 4, 5}, {6}, {70, 71}}));
  const JobCounts counts = queue.counts();
  EXPECT_EQ(counts.batches, 4u);
  EXPECT_EQ(counts.batched, 9u);
  EXPECT_EQ(counts.largest_batch, 3u);
}

TEST(JobQueue, SettlesEachJobOfABatchOnItsOwn) {
  Merging merging;
  merging.advance = [](const std::vector<int>&, const std::vector<std::size_t>& left) {
    if (left.size() == 3) return std::vector<Ended>{{1, std::make_exception_ptr(Error(ErrorCode::kImageSize, "no pixels"))}};
    if (left.size() == 2) return std::vector<Ended>{{2, nullptr}};
    throw Error(ErrorCode::kRuntime, "the rest");
  };
  JobQueue queue("test", {.max_waiting = 9});
  Blocker blocker(queue);
  Outcome first, second, third;
  queue.submit(std::make_unique<MergingJob>(merging, 0), first.done(), nullptr);
  queue.submit(std::make_unique<MergingJob>(merging, 1), second.done(), nullptr);
  queue.submit(std::make_unique<MergingJob>(merging, 2), third.done(), nullptr);
  blocker.release();
  EXPECT_EQ(second.code(), ErrorCode::kImageSize);
  third.future.get();
  EXPECT_EQ(first.code(), ErrorCode::kRuntime);
  EXPECT_EQ(merging.batches, (Batches{{0, 1, 2}, {0, 2}, {0}}));
}

TEST(JobQueue, ACancelledJobLeavesItsBatchBeforeTheNextSlice) {
  Merging merging;
  const auto before = std::make_shared<CancelToken>(), between = std::make_shared<CancelToken>();
  merging.advance = [&](const std::vector<int>&, const std::vector<std::size_t>& left) {
    std::vector<Ended> none, all;
    for (const std::size_t place : left) all.push_back({place, nullptr});
    if (between->cancelled()) return all;
    between->cancel();
    return none;
  };
  JobQueue queue("test", {.max_waiting = 9});
  Blocker blocker(queue);
  Outcome kept, early, late;
  queue.submit(std::make_unique<MergingJob>(merging, 0), kept.done(), nullptr);
  queue.submit(std::make_unique<MergingJob>(merging, 1), early.done(), before);
  queue.submit(std::make_unique<MergingJob>(merging, 2), late.done(), between);
  before->cancel();
  blocker.release();
  EXPECT_EQ(early.code(), ErrorCode::kAborted);
  EXPECT_EQ(late.code(), ErrorCode::kAborted);
  kept.future.get();
  EXPECT_EQ(merging.batches, (Batches{{0, 2}, {0}}));
  EXPECT_EQ(queue.counts().cancelled, 2u);
}

TEST(JobQueue, WhoComesWhileABatchOfItsKeyIsUnderWayIsOfTheNext) {
  Merging merging;
  JobQueue queue("test", {.max_waiting = 9});
  std::vector<Outcome> outcomes(4);
  int slices = 0;
  merging.advance = [&](const std::vector<int>&, const std::vector<std::size_t>& left) {
    std::vector<Ended> ended;
    if (++slices == 1) {
      for (int i = 1; i < 4; ++i) queue.submit(std::make_unique<MergingJob>(merging, i), outcomes[i].done(), nullptr);
    } else if (slices != 2) {
      for (const std::size_t place : left) ended.push_back({place, nullptr});
    }
    return ended;
  };
  queue.submit(std::make_unique<MergingJob>(merging, 0), outcomes[0].done(), nullptr);
  for (Outcome& outcome : outcomes) outcome.future.get();
  EXPECT_EQ(merging.batches, (Batches{{0}, {0}, {0}, {1, 2, 3}}));
}

TEST(JobQueue, MoreThanTheMostWaitUntilTheBatchBeforeThemHasEnded) {
  Merging merging;
  merging.advance = [](const std::vector<int>&, const std::vector<std::size_t>& left) {
    return std::vector<Ended>{{left.front(), nullptr}};  // one a slice
  };
  JobQueue queue("test", {.max_waiting = 99});
  Blocker blocker(queue);
  std::vector<Outcome> outcomes(7);
  for (int i = 0; i < 7; ++i) queue.submit(std::make_unique<MergingJob>(merging, i), outcomes[i].done(), nullptr);
  blocker.release();
  for (Outcome& outcome : outcomes) outcome.future.get();
  EXPECT_EQ(merging.batches, (Batches{{0, 1, 2}, {1, 2}, {2}, {3, 4, 5}, {4, 5}, {5}, {6}}));
}

TEST(JobQueue, CountsBegunJobsAmongTheWaiting) {
  JobQueue queue("test", {.max_waiting = 2});
  Outcome begun, second, third;
  class TwoSlices final : public Job, public Batch {
   public:
    explicit TwoSlices(std::function<void(int)> slice) : slice_(std::move(slice)) {}
    std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
      return std::unique_ptr<Batch>(static_cast<TwoSlices*>(jobs.front().release()));
    }
    std::vector<Ended> advance(const std::vector<std::size_t>&) override {
      slice_(++count_);
      return count_ < 2 ? std::vector<Ended>() : std::vector<Ended>{{0, nullptr}};
    }

   private:
    const std::function<void(int)> slice_;
    int count_ = 0;
  };
  std::promise<void> inside, release;
  queue.submit(std::make_unique<TwoSlices>([&](int slice) {
                 if (slice != 1) return;
                 // Waits for its next turn from now on, behind this.
                 queue.submit(
                     [&] {
                       inside.set_value();
                       release.get_future().wait();
                     },
                     second.done(), nullptr);
                 std::this_thread::sleep_for(5ms);
               }),
               begun.done(), nullptr);
  inside.get_future().wait();
  EXPECT_EQ(queue.counts().queued, 1u);
  queue.submit(nothing(), third.done(), nullptr);
  EXPECT_THROW(queue.submit(nothing(), Outcome().done(), nullptr), Error);
  release.set_value();
  for (Outcome* const each : {&begun, &second, &third}) each->future.get();
}

TEST(JobQueue, CloseFinishesTheRunningBatchAndRejectsTheBegunOnes) {
  Merging merging;
  std::promise<void> inside, release;
  int slices = 0;
  merging.advance = [&](const std::vector<int>& numbers, const std::vector<std::size_t>& left) {
    std::vector<Ended> ended;
    if (numbers.front() == 0) return ended;  // goes on for ever
    if (++slices == 1) {
      inside.set_value();
      release.get_future().wait();
    }
    if (slices < 4) return ended;
    for (const std::size_t place : left) ended.push_back({place, nullptr});
    return ended;
  };
  JobQueue queue("test", {.max_waiting = 9});
  Outcome begun, running, held;
  queue.submit(std::make_unique<MergingJob>(merging, 0, 1), begun.done(), nullptr);
  while (queue.counts().slices < 3) std::this_thread::yield();
  queue.submit(std::make_unique<MergingJob>(merging, 1, 2), running.done(), nullptr);
  inside.get_future().wait();
  queue.submit(std::make_unique<MergingJob>(merging, 2, 1), held.done(), nullptr);
  std::thread closer([&] { queue.close(); });
  EXPECT_EQ(begun.code(), ErrorCode::kDisposed);
  EXPECT_EQ(held.code(), ErrorCode::kDisposed);
  EXPECT_FALSE(running.settled());
  release.set_value();
  closer.join();
  running.future.get();
  EXPECT_EQ(slices, 4);
}

TEST(JobQueue, SweepSettlesABegunJobAndLetsThoseOfItsKeyGoOn) {
  Merging merging;
  merging.advance = [&](const std::vector<int>& numbers, const std::vector<std::size_t>& left) {
    if (numbers.front() == 0) return std::vector<Ended>();
    std::vector<Ended> all;
    for (const std::size_t place : left) all.push_back({place, nullptr});
    return all;
  };
  JobQueue queue("test", {.max_waiting = 9});
  const auto token = std::make_shared<CancelToken>();
  Outcome endless, next;
  queue.submit(std::make_unique<MergingJob>(merging, 0), endless.done(), token);
  while (queue.counts().slices < 3) std::this_thread::yield();
  queue.submit(std::make_unique<MergingJob>(merging, 1), next.done(), nullptr);
  token->cancel();
  queue.sweep_cancelled();
  EXPECT_EQ(endless.code(), ErrorCode::kAborted);
  next.future.get();
}

TEST(JobQueue, SettlesEveryJobExactlyOnceUnderStress) {
  constexpr int kThreads = 6, kJobs = 400;
  struct Record {
    std::atomic<int> settled{0}, ran{0};
    CancelTokenPtr token = std::make_shared<CancelToken>();
    bool refused = false;
  };
  std::vector<std::vector<Record>> records;
  for (int t = 0; t < kThreads; ++t) records.emplace_back(kJobs);
  std::atomic<int> refused{0};
  JobCounts counts;
  Merging merging;
  merging.advance = [](const std::vector<int>& numbers, const std::vector<std::size_t>& left) {
    if (numbers.front() % 5 == 0) throw std::runtime_error("a whole batch");
    return std::vector<Ended>{{left.back(), nullptr}};  // one a slice
  };
  {
    JobQueue queue("test", {.max_waiting = 16});
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        for (int i = 0; i < kJobs; ++i) {
          Record& record = records[t][i];
          try {
            const auto done = [&record](std::exception_ptr) { ++record.settled; };
            if (i % 3 == 1) {
              queue.submit(std::make_unique<MergingJob>(merging, i, 1 + i % 2), done, record.token);
            } else {
              queue.submit(
                  [&record, i] {
                    ++record.ran;
                    if (i % 7 == 0) throw std::runtime_error("once in a while");
                  },
                  done, record.token);
            }
          } catch (const Error&) {
            record.refused = true;
            ++refused;
            std::this_thread::yield();
          }
          if (random() % 3 == 0) records[t][random() % (i + 1)].token->cancel();
          if (random() % 17 == 0) queue.sweep_cancelled();
        }
      });
    }
    std::thread closer([&] {
      std::this_thread::sleep_for(30ms);
      queue.close();
    });
    for (std::thread& thread : threads) thread.join();
    std::thread second([&] { queue.close(); });
    queue.close();
    closer.join();
    second.join();
    counts = queue.counts();
  }
  std::uint64_t settled = 0;
  for (auto& row : records) {
    for (Record& record : row) {
      EXPECT_EQ(record.settled, record.refused ? 0 : 1);
      EXPECT_LE(record.ran, 1);
      settled += record.settled;
    }
  }
  EXPECT_EQ(settled + refused, std::uint64_t{kThreads} * kJobs);
  EXPECT_EQ(counts.completed + counts.failed + counts.cancelled, settled);
}

}  // namespace
}  // namespace interrogator
