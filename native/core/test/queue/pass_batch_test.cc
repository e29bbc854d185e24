#include "queue/pass_batch.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "interrogator/error.h"

namespace interrogator {
namespace {

using Places = std::vector<std::size_t>;

/// Writes down its passes. `fits`: the most jobs that memory holds.
class Passes final : public PassBatch {
 public:
  Passes(std::size_t most, std::size_t fits) : PassBatch(most), fits_(fits) {}

  std::vector<Places> passes;
  int begun_again = 0;
  std::size_t slices_each = 1;
  std::function<void(const Places&)> fail = [](const Places&) {};

 private:
  std::vector<Ended> advance_pass(const Places& left) override {
    passes.push_back(left);
    if (left.size() > fits_) throw Error(ErrorCode::kOutOfMemory, "too much");
    fail(left);
    std::vector<Ended> ended;
    if (++slices_ < slices_each) return ended;
    for (const std::size_t place : left) ended.push_back({place, nullptr});
    return ended;
  }
  void end_pass() override {
    ++begun_again;
    slices_ = 0;
  }

  const std::size_t fits_;
  std::size_t slices_ = 0;
};

/// Runs to the end; the error code of each place, kRuntime + 1 for none.
std::vector<std::string> run(Passes& batch, Places left) {
  std::vector<std::string> ends(left.size(), "open");
  while (!left.empty()) {
    for (const Ended& each : batch.advance(left)) {
      std::erase(left, each.place);
      try {
        if (each.error) std::rethrow_exception(each.error);
        ends[each.place] = "fine";
      } catch (const Error& error) {
        ends[each.place] = code_name(error.code());
      }
    }
  }
  return ends;
}

TEST(PassBatch, RunsInPassesOfItsMost) {
  Passes batch(2, 99);
  EXPECT_EQ(run(batch, {0, 1, 2, 3, 4}), std::vector<std::string>(5, "fine"));
  EXPECT_EQ(batch.passes, (std::vector<Places>{{0, 1}, {2, 3}, {4}}));
}

TEST(PassBatch, HalvesAPassThatRunsOutOfMemory) {
  Passes batch(8, 3);
  EXPECT_EQ(run(batch, {0, 1, 2, 3, 4, 5, 6, 7}), std::vector<std::string>(8, "fine"));
  EXPECT_EQ(batch.passes, (std::vector<Places>{{0, 1, 2, 3, 4, 5, 6, 7}, {0, 1, 2, 3}, {0, 1}, {2, 3}, {4, 5}, {6, 7}}));
}

TEST(PassBatch, FailsWithOutOfMemoryOnlyWhatIsTooLargeAlone) {
  Passes batch(4, 99);
  batch.fail = [](const Places& left) {
    for (const std::size_t place : left) {
      if (place == 2) throw Error(ErrorCode::kOutOfMemory, "a large one");
    }
  };
  EXPECT_EQ(run(batch, {0, 1, 2, 3}), (std::vector<std::string>{"fine", "fine", "ERR_OUT_OF_MEMORY", "fine"}));
}

TEST(PassBatch, AnyOtherFailureEndsTheJobsOfThatPass) {
  Passes batch(2, 99);
  batch.fail = [](const Places& left) {
    if (left.front() == 0) throw Error(ErrorCode::kRuntime, "no");
  };
  EXPECT_EQ(run(batch, {0, 1, 2}), (std::vector<std::string>{"ERR_RUNTIME", "ERR_RUNTIME", "fine"}));
}

TEST(PassBatch, APassOfSeveralSlicesKeepsItsJobs) {
  Passes batch(2, 99);
  batch.slices_each = 2;
  run(batch, {0, 1, 2});
  EXPECT_EQ(batch.passes, (std::vector<Places>{{0, 1}, {0, 1}, {2}, {2}}));
}

TEST(PassBatch, WhatWasCancelledLeavesItsPassAndAnEmptyPassIsForgotten) {
  Passes batch(2, 99);
  batch.slices_each = 9;
  batch.advance({0, 1, 2});
  batch.advance({1, 2});
  EXPECT_EQ(batch.begun_again, 0);
  batch.advance({2});
  EXPECT_EQ(batch.begun_again, 1);
  EXPECT_EQ(batch.passes, (std::vector<Places>{{0, 1}, {1}, {2}}));
}

}  // namespace
}  // namespace interrogator
