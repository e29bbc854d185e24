// Which jobs of a queue have their turn when, and which of them together. Without libtorch, as job_queue_test.cc.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

#include "interrogator/error.h"
#include "queue/job_queue_cases.h"

namespace interrogator {
namespace {

using namespace std::chrono_literals;
using namespace test;

TEST(JobQueue, GivesAShortJobItsTurnAfterOneSliceOfALongOne) {
  Course course;
  Queue queue("test", {.max_waiting = 9, .clock = course.clock()});
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
  Queue queue("test", {.max_waiting = 99});
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
  Queue queue("test", {.max_waiting = 9});
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
  Queue queue("test", {.max_waiting = 9});
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
  Queue queue("test", {.max_waiting = 9});
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
  Queue queue("test", {.max_waiting = 99});
  Blocker blocker(queue);
  std::vector<Outcome> outcomes(7);
  for (int i = 0; i < 7; ++i) queue.submit(std::make_unique<MergingJob>(merging, i), outcomes[i].done(), nullptr);
  blocker.release();
  for (Outcome& outcome : outcomes) outcome.future.get();
  EXPECT_EQ(merging.batches, (Batches{{0, 1, 2}, {1, 2}, {2}, {3, 4, 5}, {4, 5}, {5}, {6}}));
}

TEST(JobQueue, CountsBegunJobsAmongTheWaiting) {
  Queue queue("test", {.max_waiting = 2});
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

TEST(JobQueue, CloseEndsABatchAtItsNextSliceHoweverManyWouldFollow) {
  for (const int ends_at : {1, 2, 1'000'000}) {
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
      if (slices < ends_at) return ended;
      for (const std::size_t place : left) ended.push_back({place, nullptr});
      return ended;
    };
    Queue queue("test", {.max_waiting = 9});
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
    if (ends_at == 1) {
      running.future.get();
    } else {
      EXPECT_EQ(running.code(), ErrorCode::kDisposed);
    }
    EXPECT_EQ(slices, 1);
  }
}

TEST(JobQueue, SweepSettlesABegunJobAndLetsThoseOfItsKeyGoOn) {
  Merging merging;
  merging.advance = [&](const std::vector<int>& numbers, const std::vector<std::size_t>& left) {
    if (numbers.front() == 0) return std::vector<Ended>();
    std::vector<Ended> all;
    for (const std::size_t place : left) all.push_back({place, nullptr});
    return all;
  };
  Queue queue("test", {.max_waiting = 9});
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

}  // namespace
}  // namespace interrogator
