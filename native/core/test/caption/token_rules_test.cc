#include "caption/token_rules.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace interrogator {
namespace {

/// By looking for every n-gram with every id at its end.
std::set<std::int64_t> plainly(const std::vector<std::int64_t>& sequence, std::int64_t size, std::int64_t ids) {
  std::set<std::int64_t> found;
  const auto length = static_cast<std::int64_t>(sequence.size());
  for (std::int64_t id = 0; id < ids; ++id) {
    std::vector<std::int64_t> grown(sequence);
    grown.push_back(id);
    if (length + 1 < size) continue;
    const std::vector<std::int64_t> last(grown.end() - size, grown.end());
    for (std::int64_t begin = 0; begin + size <= length; ++begin) {
      if (std::equal(last.begin(), last.end(), sequence.begin() + begin)) found.insert(id);
    }
  }
  return found;
}

TEST(RepeatingIds, AreThoseThatEndAnNgramAgain) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::int64_t> sequence(random() % 12);
    for (std::int64_t& id : sequence) id = static_cast<std::int64_t>(random() % 4);
    for (std::int64_t size = 1; size < 6; ++size) {
      const auto ids = repeating_ids(sequence, size);
      EXPECT_EQ(std::set<std::int64_t>(ids.begin(), ids.end()), plainly(sequence, size, 4));
    }
  }
}

TEST(TokenRulesTest, ByDefaultNothingIsChanged) { EXPECT_TRUE(TokenRules({}, 0, {}).none()); }

}  // namespace
}  // namespace interrogator
