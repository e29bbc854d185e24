// Turns alone, by durations that the tests give.
#include "queue/fair_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace interrogator {
namespace {

/// Serves turns of one second's worth of slices and writes down who had them.
class Simulation {
 public:
  struct Stream {
    double slice = 1;      ///< seconds a slice
    int slices = 1 << 30;  ///< until it has ended
  };

  void add(char name, Stream stream) {
    streams_[name] = stream;
    queue_.push(name);
  }

  void serve_one() {
    auto turn = queue_.pop();
    Stream& stream = streams_.at(turn.entry);
    log += turn.entry;
    seconds[turn.entry] += stream.slice;
    queue_.charge(turn, stream.slice, 1, streams_.size());
    if (--stream.slices > 0) queue_.resume(std::move(turn));
    else streams_.erase(turn.entry);
  }
  void serve(int turns) {
    while (turns-- > 0 && !queue_.empty()) serve_one();
  }

  std::string log;
  std::map<char, double> seconds;

 private:
  FairQueue<char> queue_;
  std::map<char, Stream> streams_;
};

TEST(FairQueue, ServesEqualsInTurn) {
  Simulation all;
  for (const char name : {'a', 'b', 'c'}) all.add(name, {1, 2});
  all.serve(99);
  EXPECT_EQ(all.log, "abcabc");
}

TEST(FairQueue, SharesTimeNotTurns) {
  Simulation all;
  all.add('L', {1.0});
  all.add('s', {0.1});
  all.serve(220);
  EXPECT_NEAR(all.seconds['L'], all.seconds['s'], 1.0);
}

TEST(FairQueue, ANewcomerWaitsForOneSliceOfALongOne) {
  Simulation all;
  all.add('L', {1.0});
  all.serve(5);
  all.add('n', {0.01, 1});
  all.serve(2);
  EXPECT_NE(all.log.substr(5).find('n'), std::string::npos) << all.log;
}

TEST(FairQueue, AStreamOfShortOnesDoesNotStarveALongOne) {
  Simulation all;
  all.add('L', {1.0});
  for (int i = 0; i < 400; ++i) {
    all.add('s', {0.1, 1});  // always another, as from a server's clients
    do all.serve_one();
    while (all.log.back() != 's');
  }
  EXPECT_GT(all.seconds['L'], 0.3 * all.seconds['s']);
}

TEST(FairQueue, OneThatWasIdleHasNothingSaved) {
  Simulation all;
  all.add('a', {1.0});
  all.serve(100);
  all.add('b', {1.0});
  all.log.clear();
  all.serve(10);
  EXPECT_EQ(all.log.find("bbb"), std::string::npos);
  EXPECT_EQ(std::count(all.log.begin(), all.log.end(), 'b'), 5) << all.log;
}

TEST(FairQueue, ABatchIsChargedToItsMembersInEqualParts) {
  FairQueue<int> queue;
  queue.push(4);  // four that run as one
  queue.push(1);
  std::map<int, double> seconds;
  for (int i = 0; i < 100; ++i) {
    auto turn = queue.pop();
    seconds[turn.entry] += 1;
    queue.charge(turn, 1, static_cast<std::size_t>(turn.entry), 5);
    queue.resume(std::move(turn));
  }
  EXPECT_EQ(seconds[4], 80);
  EXPECT_EQ(seconds[1], 20);
}

TEST(FairQueue, RemovesWhatIsNotWantedInTheOrderOfTurns) {
  FairQueue<int> queue;
  for (int i = 0; i < 6; ++i) queue.push(i);
  std::string removed;
  queue.remove_if([&](int entry) {
    if (entry % 2 == 0) return false;
    removed += std::to_string(entry);
    return true;
  });
  EXPECT_EQ(removed, "135");
  std::string left;
  while (!queue.empty()) left += std::to_string(queue.pop().entry);
  EXPECT_EQ(left, "024");
}

}  // namespace
}  // namespace interrogator
