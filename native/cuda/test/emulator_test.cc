#include "emulator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

namespace interrogator::cuda {
namespace {

constexpr unsigned kThreads = 96;

__global__ void number_kernel(int* numbers) {
  const unsigned at = (blockIdx.y * gridDim.x + blockIdx.x) * kThreads + threadIdx.x;
  numbers[at] = static_cast<int>(at);
}

TEST(Emulator, RunsEachThreadOfEachBlockOnce) {
  std::vector<int> numbers(kThreads * 6, -1), expected(kThreads * 6);
  std::iota(expected.begin(), expected.end(), 0);
  ASSERT_EQ(launch(number_kernel, dim3(3, 2), kThreads, 0, nullptr, numbers.data()), 0);
  EXPECT_EQ(numbers, expected);
}

__global__ void reverse_kernel(const int* from, int* to, bool wait) {
  int* const shared = shared_memory<int>();
  shared[threadIdx.x] = from[threadIdx.x];
  if (wait) __syncthreads();
  to[threadIdx.x] = shared[kThreads - 1 - threadIdx.x];
}

TEST(Emulator, SharesMemoryAcrossABarrier) {
  std::vector<int> from(kThreads), to(kThreads), expected;
  std::iota(from.begin(), from.end(), 0);
  expected.assign(from.rbegin(), from.rend());
  for (int order = 0; order < 3; ++order) {
    ASSERT_EQ(launch(reverse_kernel, dim3(1), kThreads, kThreads * sizeof(int), nullptr, from.data(), to.data(), true), 0);
    EXPECT_EQ(to, expected);
  }
}

TEST(Emulator, ShowsAMissingBarrier) {
  std::vector<int> from(kThreads), to(kThreads), expected;
  std::iota(from.begin(), from.end(), 0);
  expected.assign(from.rbegin(), from.rend());
  for (int order = 0; order < 3; ++order) {
    ASSERT_EQ(launch(reverse_kernel, dim3(1), kThreads, kThreads * sizeof(int), nullptr, from.data(), to.data(), false), 0);
    EXPECT_NE(to, expected);
  }
}

__global__ void sum_kernel(const float* from, float* sums) {
  float sum = from[threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, offset);
  sums[threadIdx.x] = sum;
}

TEST(Emulator, ShufflesWithinAWarp) {
  std::vector<float> from(kThreads), sums(kThreads);
  std::iota(from.begin(), from.end(), 0.0F);
  ASSERT_EQ(launch(sum_kernel, dim3(1), kThreads, 0, nullptr, from.data(), sums.data()), 0);
  for (unsigned i = 0; i < kThreads; ++i) EXPECT_EQ(sums[i], 496.0F + 1024.0F * static_cast<float>(i / 32));
}

__global__ void ballot_kernel(unsigned* votes) { votes[threadIdx.x] = __ballot_sync(0xFFFFFFFFu, threadIdx.x % 3 == 0); }

TEST(Emulator, CountsVotesOfAWarp) {
  std::vector<unsigned> votes(32);
  ASSERT_EQ(launch(ballot_kernel, dim3(1), 32, 0, nullptr, votes.data()), 0);
  for (const unsigned vote : votes) EXPECT_EQ(vote, 0x49249249u);
}

__global__ void leaving_kernel(int* result) {
  if (threadIdx.x == 5) return;
  result[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFFu, 1, 1);
}

__global__ void divergent_barrier_kernel() {
  if (threadIdx.x < 40) __syncthreads();
  else __syncthreads();
}

__global__ void mixed_kernel(int* result) {
  if (threadIdx.x < 7) __syncthreads();
  else result[threadIdx.x] = __shfl_xor_sync(0xFFFFFFFFu, 1, 1);
}

TEST(Emulator, RefusesCollectivesThatSomeDoNotReach) {
  std::vector<int> result(kThreads);
  EXPECT_NE(launch(leaving_kernel, dim3(1), 32, 0, nullptr, result.data()), 0);
  EXPECT_NE(std::string(device_error_text(-719)).find("does not reach"), std::string::npos);
  EXPECT_NE(launch(divergent_barrier_kernel, dim3(1), kThreads, 0, nullptr), 0);
  EXPECT_NE(launch(mixed_kernel, dim3(1), kThreads, 0, nullptr, result.data()), 0);
}

__global__ void read_shared_kernel(float* result) { *result = shared_memory<float>()[3]; }

TEST(Emulator, SharedMemoryStartsAsNoNumber) {
  float result = 0;
  ASSERT_EQ(launch(read_shared_kernel, dim3(1), 32, 64, nullptr, &result), 0);
  EXPECT_TRUE(std::isnan(result));
}

TEST(Emulator, RefusesSizesThatADeviceRefuses) {
  std::vector<int> numbers(4096);
  EXPECT_NE(launch(number_kernel, dim3(0), kThreads, 0, nullptr, numbers.data()), 0);
  EXPECT_NE(launch(number_kernel, dim3(1, 65536), kThreads, 0, nullptr, numbers.data()), 0);
  EXPECT_NE(launch(number_kernel, dim3(1), 1056, 0, nullptr, numbers.data()), 0);
  EXPECT_NE(launch(number_kernel, dim3(1), kThreads, 48 * 1024 + 1, nullptr, numbers.data()), 0);
}

}  // namespace
}  // namespace interrogator::cuda
