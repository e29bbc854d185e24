// One stage of ranking: the best of each segment of candidates, by a bitonic sort.
//
// Candidates are sorted as 64-bit keys, the smallest first: the similarity in the upper half, turned so that the better
// one is smaller, and the row number in the lower. All keys differ, so the result does not depend on how it is sorted.
// Each segment is sorted by a block in shared memory.
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

__global__ void keep_best_kernel(const Stage stage, std::int64_t padded, std::int64_t kept_stride) {
  std::uint64_t* const keys = shared_memory<std::uint64_t>();
  const std::int64_t b = blockIdx.y, first = static_cast<std::int64_t>(blockIdx.x) * stage.segment;
  const std::int64_t count = stage.count - first < stage.segment ? stage.count - first : stage.segment;
  for (std::int64_t i = threadIdx.x; i < padded; i += kThreads) keys[i] = i < count ? candidate(stage, b, first + i) : kNothing;
  __syncthreads();

  for (std::int64_t size = 2; size <= padded; size *= 2) {
    for (std::int64_t stride = size / 2; stride > 0; stride /= 2) {
      for (std::int64_t i = threadIdx.x; i < padded / 2; i += kThreads) {
        const std::int64_t first_of_pair = 2 * i - (i & (stride - 1));
        const std::uint64_t low = keys[first_of_pair], high = keys[first_of_pair + stride];
        if ((low > high) == ((first_of_pair & size) == 0)) {
          keys[first_of_pair] = high;
          keys[first_of_pair + stride] = low;
        }
      }
      __syncthreads();
    }
  }

  std::int32_t* const kept = stage.kept + b * kept_stride + static_cast<std::int64_t>(blockIdx.x) * stage.keep;
  for (std::int64_t i = threadIdx.x; i < stage.keep && i < count; i += kThreads) kept[i] = row_of(keys[i]);
}

__global__ void gather_kernel(const float* similarities, std::int64_t rows, const std::int32_t* indices, std::int64_t k, float* values) {
  const std::int64_t b = blockIdx.y, i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i < k) values[b * k + i] = similarities[b * rows + indices[b * k + i]];
}

dim3 grid_over(std::int64_t count, std::int64_t batch) {
  return {static_cast<unsigned>(divide_up(count, kThreads)), static_cast<unsigned>(batch)};
}

}  // namespace

int keep_best(const Stage& stage, void* stream) {
  const std::int64_t kept_stride = kept_count(stage.count, stage.segment, stage.keep);
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
