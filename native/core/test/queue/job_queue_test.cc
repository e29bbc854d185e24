// The queue alone, without libtorch: quick enough to run under ThreadSanitizer.
#include "queue/job_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <random>
#include <thread>
#include <vector>

#include "interrogator/error.h"
#include "queue/job_queue_cases.h"

namespace interrogator {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(JobQueue, RunsJobsInTheOrderOfSubmissionOnOneThread) {
  Queue queue("test", {.max_waiting = 100});
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
  Queue queue("device 'cpu'", {.max_waiting = 2});
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
  Queue queue("test", {.max_waiting = 1});
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
  Queue queue("test", {.max_waiting = 4});
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
  Queue queue("test", {.max_waiting = 4});
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
  Queue queue("test", {.max_waiting = 4});
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
  Queue queue("test", {.max_waiting = 4});
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
  Queue queue("test", {.max_waiting = 4});
  Outcome fine;
  queue.submit(nothing(), [](std::exception_ptr) { throw std::runtime_error("from done"); }, nullptr);
  queue.submit(nothing(), fine.done(), nullptr);
  fine.future.get();
}

TEST(JobQueue, FreesTheWorkBeforeItSettles) {
  Queue queue("test", {.max_waiting = 4});
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watched = held;
  std::promise<bool> expired;
  queue.submit([held = std::move(held)] {}, [&](std::exception_ptr) { expired.set_value(watched.expired()); }, nullptr);
  EXPECT_TRUE(expired.get_future().get());
}

TEST(JobQueue, CloseWaitsForTheRunningJobAndRejectsTheRest) {
  Queue queue("test", {.max_waiting = 4});
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
  Queue queue("test", {.max_waiting = 4});
  Outcome closing;
  queue.submit([&] { queue.close(); }, closing.done(), nullptr);
  closing.future.get();
  queue.close();
}

TEST(JobQueue, MayBeDestroyedByTheJobThatHoldsItsLastReference) {
  auto queue = std::make_shared<Queue>("test", JobQueue::Options{.max_waiting = 4});
  std::promise<void> go;
  Outcome last, waiting;
  Queue& alias = *queue;
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
  Merging merging;
  merging.advance = [](const std::vector<int>& numbers, const std::vector<std::size_t>& left) {
    if (numbers.front() % 5 == 0) throw std::runtime_error("a whole batch");
    return std::vector<Ended>{{left.back(), nullptr}};  // one a slice
  };
  {
    Queue queue("test", {.max_waiting = 16});
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

TEST(JobQueue, WakesAndRestsOnceEachTimeOfWork) {
  std::atomic<int> rests{0};
  std::atomic<int> wakes{0};
  Queue queue("test", {.max_waiting = 4, .wake = [&wakes] { ++wakes; }, .rest = [&rests] { ++rests; }});
  const auto work = [&queue] {
    Outcome outcome;
    queue.submit([] {}, outcome.done(), nullptr);
    outcome.future.get();
  };
  const auto wait_for_rests = [&rests](int count) {
    for (int i = 0; i < 100 && rests < count; ++i) std::this_thread::sleep_for(JobQueue::kRestAfter / 10);
    return rests.load();
  };
  std::this_thread::sleep_for(JobQueue::kRestAfter * 3 / 2);
  EXPECT_EQ(rests, 0);  // nothing done yet
  EXPECT_EQ(wakes, 0);
  work();
  EXPECT_EQ(wakes, 1);
  EXPECT_EQ(rests, 0);
  EXPECT_EQ(wait_for_rests(1), 1);
  std::this_thread::sleep_for(JobQueue::kRestAfter * 3 / 2);
  EXPECT_EQ(rests, 1);
  work();
  EXPECT_EQ(wait_for_rests(2), 2);
  EXPECT_EQ(wakes, 2);
}

TEST(JobQueue, IsWokenOnceForJobsThatWaitTogether) {
  std::atomic<int> wakes{0};
  Queue queue("test", {.max_waiting = 4, .wake = [&wakes] { ++wakes; }});
  Blocker blocker(queue);
  Outcome next;
  queue.submit([] {}, next.done(), nullptr);
  blocker.release();
  next.future.get();
  EXPECT_EQ(wakes, 1);
}

}  // namespace
}  // namespace interrogator
