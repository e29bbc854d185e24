// The queue alone, without libtorch: quick enough to run under ThreadSanitizer.
#include "job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
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
  JobQueue queue("test", 100, nothing());
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
  EXPECT_THROW(JobQueue("test", 1, [] { throw Error(ErrorCode::kDevice, "no"); }), Error);
}

TEST(JobQueue, RefusesOneMoreThanItsLimitAndSaysHowManyWait) {
  JobQueue queue("device 'cpu'", 2, nothing());
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
  JobQueue queue("test", 1, nothing());
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
  JobQueue queue("test", 4, nothing());
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
  JobQueue queue("test", 4, nothing());
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
  JobQueue queue("test", 4, nothing());
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
  JobQueue queue("test", 4, nothing());
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
  JobQueue queue("test", 4, nothing());
  Outcome fine;
  queue.submit(nothing(), [](std::exception_ptr) { throw std::runtime_error("from done"); }, nullptr);
  queue.submit(nothing(), fine.done(), nullptr);
  fine.future.get();
}

TEST(JobQueue, FreesTheWorkBeforeItSettles) {
  JobQueue queue("test", 4, nothing());
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  std::promise<bool> expired;
  queue.submit([held = std::move(held)] {}, [&](std::exception_ptr) { expired.set_value(watched.expired()); }, nullptr);
  EXPECT_TRUE(expired.get_future().get());
}

TEST(JobQueue, CloseWaitsForTheRunningJobAndRejectsTheRest) {
  JobQueue queue("test", 4, nothing());
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
  JobQueue queue("test", 4, nothing());
  Outcome closing;
  queue.submit([&] { queue.close(); }, closing.done(), nullptr);
  closing.future.get();
  queue.close();
}

TEST(JobQueue, MayBeDestroyedByTheJobThatHoldsItsLastReference) {
  auto queue = std::make_shared<JobQueue>("test", 4, nothing());
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
  {
    JobQueue queue("test", 16, nothing());
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(t);
        for (int i = 0; i < kJobs; ++i) {
          Record& record = records[t][i];
          try {
            queue.submit(
                [&record, i] {
                  ++record.ran;
                  if (i % 7 == 0) throw std::runtime_error("once in a while");
                },
                [&record](std::exception_ptr) { ++record.settled; }, record.token);
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
