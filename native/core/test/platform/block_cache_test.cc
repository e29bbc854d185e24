#include "platform/block_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace interrogator {
namespace {

TEST(BlockCache, HandsAFreedBlockOutAgain) {
  BlockCache cache;
  const BlockCache::Block first = cache.take(1 << 20);
  cache.give(first);
  EXPECT_EQ(cache.kept_bytes(), first.bytes);
  const BlockCache::Block second = cache.take((1 << 20) - 100'000);
  EXPECT_EQ(second.data, first.data);
  EXPECT_EQ(cache.kept_bytes(), 0u);
  cache.give(second);
  cache.release();
  EXPECT_EQ(cache.kept_bytes(), 0u);
}

TEST(BlockCache, AFreedBlockServesSmallerTensorsButNoneThatWouldWasteMostOfIt) {
  BlockCache cache;
  const BlockCache::Block large = cache.take(8 << 20);
  cache.give(large);
  const BlockCache::Block half = cache.take(4 << 20);
  EXPECT_EQ(half.data, large.data);
  EXPECT_EQ(half.bytes, large.bytes);
  cache.give(half);
  const BlockCache::Block small = cache.take(1 << 20);
  EXPECT_NE(small.data, large.data);
  EXPECT_LT(small.bytes, large.bytes);
  cache.give(small);
}

TEST(BlockCache, NeverHoldsMuchMoreThanWasInUseAtOnce) {
  BlockCache cache;
  std::vector<BlockCache::Block> used;
  std::size_t in_use = 0, most_in_use = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (used.size() < 5 || (used.size() < 20 && std::rand() % 2)) {
      const std::size_t bytes = 1 + static_cast<std::size_t>(std::rand()) % (4 << 20);
      used.push_back(cache.take(bytes));
      EXPECT_GE(used.back().bytes, bytes);
      std::memset(used.back().data, round, 1);
      in_use += used.back().bytes;
    } else {
      const std::size_t index = static_cast<std::size_t>(std::rand()) % used.size();
      in_use -= used[index].bytes;
      cache.give(used[index]);
      used[index] = used.back();
      used.pop_back();
    }
    most_in_use = std::max(most_in_use, in_use);
    ASSERT_LE(in_use + cache.kept_bytes(), most_in_use + (21 << 20)) << "after " << round;
  }
  for (const BlockCache::Block& block : used) cache.give(block);
}

TEST(BlockCache, BlocksOfSeveralThreadsDoNotOverlap) {
  BlockCache cache;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&cache, thread] {
      for (int round = 0; round < 300; ++round) {
        const BlockCache::Block block = cache.take(300'000 + static_cast<std::size_t>(round % 7) * 100'000);
        std::memset(block.data, thread, block.bytes);
        for (std::size_t i = 0; i < block.bytes; i += 4096) ASSERT_EQ(static_cast<std::uint8_t*>(block.data)[i], thread);
        cache.give(block);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(BlockCache, ThrowsWhereThereIsNotSoMuch) {
  BlockCache cache;
  EXPECT_THROW(cache.take(std::size_t{1} << 60), std::bad_alloc);
  EXPECT_THROW(cache.take(static_cast<std::size_t>(-1)), std::bad_alloc);
}

}  // namespace
}  // namespace interrogator
