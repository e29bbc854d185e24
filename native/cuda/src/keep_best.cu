// One stage of ranking: the best of each segment of candidates, by a bitonic sort.
//
// Candidates are sorted as 64-bit keys, the smallest first: the similarity in the upper half, turned so that the better
// one is smaller, and the row number in the lower. All keys differ, so the result does not depend on how it is sorted.
// Segments up to kTile are sorted by a block each in shared memory; larger ones all at once in global memory, with the
// segment's number compared first. That takes many small passes and is meant for what is rare: a k in the thousands.
#include "simt.h"
#include "top_k_parts.h"

namespace interrogator::cuda {

namespace {

constexpr unsigned kThreads = 512;
/// Sorts behind every candidate: fills up to a power of two.
constexpr std::uint64_t kNothing = ~std::uint64_t{0};

__device__ std::uint64_t key_of(float similarity, std::int32_t row, bool reverse) {
  float key = reverse ? -similarity : similarity;
  if (isnan(similarity)) key = -INFINITY;
  // -0 becomes 0: they are equal and tie.
  const std::uint32_t bits = __float_as_uint(key + 0.0F);
  const std::uint32_t rising = (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return static_cast<std::uint64_t>(~rising) << 32 | static_cast<std::uint32_t>(row);
}

__device__ std::int32_t row_of(std::uint64_t key) { return static_cast<std::int32_t>(key & 0xFFFFFFFFu); }

/// The key of candidate `at` of feature b.
__device__ std::uint64_t candidate(const Stage& stage, std::int64_t b, std::int64_t at) {
  const std::int32_t row = stage.candidates ? stage.candidates[b * stage.count + at] : static_cast<std::int32_t>(at);
  return key_of(stage.similarities[b * stage.rows + row], row, stage.reverse);
}

std::int64_t power_of_two(std::int64_t count) {
  std::int64_t size = 2;
  while (size < count) size *= 2;
  return size;
}

/// The pair that exchange number i of a bitonic step compares.
struct Pair {
  std::int64_t low, high;
  bool rising;
  __device__ Pair(std::int64_t i, std::int64_t size, std::int64_t stride)
      : low(2 * i - (i & (stride - 1))), high(low + stride), rising((low & size) == 0) {}
};

__global__ void keep_best_kernel(const Stage stage, std::int64_t padded, std::int64_t kept_stride) {
  std::uint64_t* const keys = shared_memory<std::uint64_t>();
  const std::int64_t b = blockIdx.y, first = static_cast<std::int64_t>(blockIdx.x) * stage.segment;
  const std::int64_t count = stage.count - first < stage.segment ? stage.count - first : stage.segment;
  for (std::int64_t i = threadIdx.x; i < padded; i += kThreads) keys[i] = i < count ? candidate(stage, b, first + i) : kNothing;
  __syncthreads();

  for (std::int64_t size = 2; size <= padded; size *= 2) {
    for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
      for (std::int64_t i = threadIdx.x; i < padded / 2; i += kThreads) {
        const Pair pair(i, size, stride);
        const std::uint64_t low = keys[pair.low], high = keys[pair.high];
        if ((low > high) == pair.rising) {
          keys[pair.low] = high;
          keys[pair.high] = low;
        }
      }
      __syncthreads();
    }
  }

  std::int32_t* const kept = stage.kept + b * kept_stride + static_cast<std::int64_t>(blockIdx.x) * stage.keep;
  for (std::int64_t i = threadIdx.x; i < stage.keep && i < count; i += kThreads) kept[i] = row_of(keys[i]);
}

__global__ void write_keys_kernel(const Stage stage, std::uint64_t* keys, std::int64_t padded) {
  const std::int64_t b = blockIdx.y, at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at < padded) keys[b * padded + at] = at < stage.count ? candidate(stage, b, at) : kNothing;
}

__global__ void exchange_kernel(std::uint64_t* all_keys, std::int64_t padded, std::int64_t size, std::int64_t stride,
                                std::int64_t segment) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= padded / 2) return;
  std::uint64_t* const keys = all_keys + static_cast<std::int64_t>(blockIdx.y) * padded;
  const Pair pair(i, size, stride);
  const std::uint64_t low = keys[pair.low], high = keys[pair.high];
  // The row number of what fills up is the largest there is, and so is then its segment.
  const std::int64_t low_segment = static_cast<std::uint32_t>(low) / segment, high_segment = static_cast<std::uint32_t>(high) / segment;
  const bool behind = low_segment != high_segment ? low_segment > high_segment : low > high;
  if (behind == pair.rising) {
    keys[pair.low] = high;
    keys[pair.high] = low;
  }
}

/// Sorted, each segment's candidates are where they were: its best at its beginning.
__global__ void take_kernel(const Stage stage, const std::uint64_t* keys, std::int64_t padded, std::int64_t kept_stride) {
  const std::int64_t b = blockIdx.y, i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= kept_stride) return;
  stage.kept[b * kept_stride + i] = row_of(keys[b * padded + i / stage.keep * stage.segment + i % stage.keep]);
}

__global__ void gather_kernel(const float* similarities, std::int64_t rows, const std::int32_t* indices, std::int64_t k, float* values) {
  const std::int64_t b = blockIdx.y, i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < k) values[b * k + i] = similarities[b * rows + indices[b * k + i]];
}

dim3 grid_over(std::int64_t count, std::int64_t batch) {
  return {static_cast<unsigned>(divide_up(count, kThreads)), static_cast<unsigned>(batch)};
}

int sort_in_global_memory(const Stage& stage, std::int64_t kept_stride, std::uint64_t* keys, void* stream) {
  const std::int64_t padded = power_of_two(stage.count);
  // Candidates of a later stage are one segment, whatever their row numbers.
  const std::int64_t segment = stage.segment == stage.count ? std::int64_t{1} << 32 : stage.segment;
  int failure = launch(write_keys_kernel, grid_over(padded, stage.batch), kThreads, 0, stream, stage, keys, padded);
  for (std::int64_t size = 2; size <= padded && failure == 0; size *= 2) {
    for (std::int64_t stride = size / 2; stride > 0 && failure == 0; stride /= 2) {
      failure = launch(exchange_kernel, grid_over(padded / 2, stage.batch), kThreads, 0, stream, keys, padded, size, stride, segment);
    }
  }
  if (failure != 0) return failure;
  return launch(take_kernel, grid_over(kept_stride, stage.batch), kThreads, 0, stream, stage, static_cast<const std::uint64_t*>(keys),
                padded, kept_stride);
}

}  // namespace

std::int64_t keep_best_workspace(std::int64_t batch, std::int64_t count, std::int64_t segment) {
  return segment <= kTile ? 0 : batch * power_of_two(count) * static_cast<std::int64_t>(sizeof(std::uint64_t));
}

int keep_best(const Stage& stage, void* workspace, void* stream) {
  const std::int64_t kept_stride = kept_count(stage.count, stage.segment, stage.keep);
  if (stage.segment > kTile) return sort_in_global_memory(stage, kept_stride, static_cast<std::uint64_t*>(workspace), stream);
  const std::int64_t padded = power_of_two(stage.segment);
  const dim3 grid(static_cast<unsigned>(divide_up(stage.count, stage.segment)), static_cast<unsigned>(stage.batch));
  return launch(keep_best_kernel, grid, kThreads, static_cast<std::size_t>(padded) * sizeof(std::uint64_t), stream, stage, padded,
                kept_stride);
}

int gather_similarities(const float* similarities, std::int64_t batch, std::int64_t rows, const std::int32_t* indices, std::int64_t k,
                        float* values, void* stream) {
  return launch(gather_kernel, grid_over(k, batch), kThreads, 0, stream, similarities, rows, indices, k, values);
}

}  // namespace interrogator::cuda
