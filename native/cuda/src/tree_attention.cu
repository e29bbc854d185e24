// Attention of each node of a prefix tree to the shared prefix and to the nodes on its path from the root.
//
// A warp computes one head of one row. Its lanes form groups; a group holds a whole query, eight numbers a lane, and
// takes every kGroups-th key: a coalesced read, a dot product by shuffles, an online softmax of its own. At the end
// the groups' sums are merged. All arithmetic is float32. Nothing is shared between warps; the prefix and the near
// ancestors, which neighbouring rows read too, come from the cache.
#include "eight.h"
#include "interrogator_cuda.h"
#include "simt.h"

namespace interrogator::cuda {

namespace {

using Request = interrogator_cuda_tree_attention_request;

constexpr unsigned kWarps = 4;  // a block
constexpr float kNone = -INFINITY;

/// Ancestors of the row before the first that is none. The whole warp calls it.
__device__ std::int64_t path_length(const Request& request, std::int64_t row, unsigned lane) {
  const std::int64_t* const path = request.ancestors + row * request.ancestors_width;
  for (std::int64_t first = 0; first < request.ancestors_width; first += kWarp) {
    const std::int64_t at = first + lane;
    const bool ends = at >= request.ancestors_width || path[at] < 0 || path[at] >= request.nodes;
    const unsigned ending = __ballot_sync(kWholeWarp, ends);
    if (ending != 0) return first + __ffs(static_cast<int>(ending)) - 1;
  }
  return request.ancestors_width;
}

/// Softmax over the keys seen so far, not yet divided by the sum of weights.
struct Attended {
  float largest = kNone, sum = 0;
  float result[kEight] = {};

  __device__ void add(float score, const Eight& value) {
    const float before = largest;
    largest = fmaxf(largest, score);
    const float kept = expf(before - largest), weight = expf(score - largest);
    sum = sum * kept + weight;
    for (int i = 0; i < kEight; ++i) result[i] = result[i] * kept + weight * value.values[i];
  }

  /// Takes in what the lane `offset` away saw. The whole warp calls it.
  __device__ void merge(int offset) {
    const float their_largest = __shfl_xor_sync(kWholeWarp, largest, offset);
    const float their_sum = __shfl_xor_sync(kWholeWarp, sum, offset);
    const float both = fmaxf(largest, their_largest);
    // A side that saw no key has no largest score to compare with.
    const float mine = sum == 0 ? 0 : expf(largest - both);
    const float theirs = their_sum == 0 ? 0 : expf(their_largest - both);
    largest = both;
    sum = sum * mine + their_sum * theirs;
    for (int i = 0; i < kEight; ++i) {
      const float their_result = __shfl_xor_sync(kWholeWarp, result[i], offset);
      result[i] = result[i] * mine + their_result * theirs;
    }
  }
};

/// kLanes: lanes of a group, kLanes * 8 >= head_dim.
template <class T, int kLanes, bool kAligned>
__global__ void tree_attention_kernel(const Request request) {
  constexpr int kGroups = static_cast<int>(kWarp) / kLanes;
  const unsigned lane = threadIdx.x % kWarp;
  const std::int64_t row = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp, head = blockIdx.y;
  if (row >= request.rows) return;

  const std::int64_t group = lane / kLanes, first = lane % kLanes * kEight, d = request.head_dim;
  const std::int64_t keys = request.prefix_length + path_length(request, row, lane);
  const std::int64_t* const path = request.ancestors + row * request.ancestors_width;
  const T* const prefix_k = static_cast<const T*>(request.prefix_k) + head * request.prefix_k_head_stride;
  const T* const prefix_v = static_cast<const T*>(request.prefix_v) + head * request.prefix_v_head_stride;
  const T* const k = static_cast<const T*>(request.k) + head * request.k_head_stride;
  const T* const v = static_cast<const T*>(request.v) + head * request.v_head_stride;
  const T* const q = static_cast<const T*>(request.q) + row * request.q_row_stride + head * request.q_head_stride;
  const Eight query = load_eight<kAligned>(q, first, d);

  Attended attended;
  for (std::int64_t start = 0; start < keys; start += kGroups) {
    const std::int64_t at = start + group;
    const bool present = at < keys;
    Eight key = {}, value = {};
    if (present && at < request.prefix_length) {
      key = load_eight<kAligned>(prefix_k + at * request.prefix_k_row_stride, first, d);
      value = load_eight<kAligned>(prefix_v + at * request.prefix_v_row_stride, first, d);
    } else if (present) {
      const std::int64_t node = path[at - request.prefix_length];
      key = load_eight<kAligned>(k + node * request.k_row_stride, first, d);
      value = load_eight<kAligned>(v + node * request.v_row_stride, first, d);
    }
    float score = 0;
    for (int i = 0; i < kEight; ++i) score += query.values[i] * key.values[i];
    for (int offset = kLanes / 2; offset > 0; offset /= 2) score += __shfl_xor_sync(kWholeWarp, score, offset);
    if (present) attended.add(score * request.scale, value);
  }

  for (int offset = kLanes; offset < static_cast<int>(kWarp); offset *= 2) attended.merge(offset);
  if (group != 0) return;
  Eight result = {};
  // No key at all: zeros, as the CPU's operator gives.
  if (keys > 0) {
    for (int i = 0; i < kEight; ++i) result.values[i] = attended.result[i] / attended.sum;
  }
  store_eight<kAligned>(result, static_cast<T*>(request.result) + (row * request.heads + head) * d, first, d);
}

template <class T, int kLanes>
int launch_for_group(const Request& request, bool aligned, void* stream) {
  const dim3 grid(static_cast<unsigned>(divide_up(request.rows, kWarps)), static_cast<unsigned>(request.heads));
  auto* const kernel = aligned ? tree_attention_kernel<T, kLanes, true> : tree_attention_kernel<T, kLanes, false>;
  return launch(kernel, grid, kWarps * kWarp, 0, stream, request);
}

template <class T>
int launch_for_type(const Request& request, void* stream) {
  const std::int64_t d = request.head_dim;
  const bool aligned = is_aligned(request.q, sizeof(T), d, request.q_row_stride, request.q_head_stride) &&
                       is_aligned(request.k, sizeof(T), d, request.k_row_stride, request.k_head_stride) &&
                       is_aligned(request.v, sizeof(T), d, request.v_row_stride, request.v_head_stride) &&
                       is_aligned(request.prefix_k, sizeof(T), d, request.prefix_k_row_stride, request.prefix_k_head_stride) &&
                       is_aligned(request.prefix_v, sizeof(T), d, request.prefix_v_row_stride, request.prefix_v_head_stride) &&
                       is_aligned(request.result, sizeof(T), d, d);
  if (d <= 32) return launch_for_group<T, 4>(request, aligned, stream);
  if (d <= 64) return launch_for_group<T, 8>(request, aligned, stream);
  if (d <= 128) return launch_for_group<T, 16>(request, aligned, stream);
  return launch_for_group<T, 32>(request, aligned, stream);
}

bool is_valid(const Request& request) {
  return request.rows >= 0 && request.nodes >= 0 && request.heads >= 1 && request.head_dim >= 1 && request.prefix_length >= 0 &&
         request.ancestors_width >= 0;
}

}  // namespace

}  // namespace interrogator::cuda

extern "C" int interrogator_cuda_tree_attention(const interrogator_cuda_tree_attention_request* request, int32_t device, void* stream) {
  using namespace interrogator::cuda;
  if (!request || !is_valid(*request)) return INTERROGATOR_CUDA_INVALID;
  if (request->rows == 0) return INTERROGATOR_CUDA_OK;
  if (request->heads > 65535 || request->head_dim > static_cast<std::int64_t>(kWarp) * kEight) return INTERROGATOR_CUDA_UNSUPPORTED;
  if (!fits_grid(divide_up(request->rows, kWarps))) return INTERROGATOR_CUDA_UNSUPPORTED;
  if (const int failure = use_device(device); failure != 0) return failure;
  switch (request->type) {
    case INTERROGATOR_CUDA_FLOAT32: return launch_for_type<float>(*request, stream);
    case INTERROGATOR_CUDA_FLOAT16: return launch_for_type<__half>(*request, stream);
    case INTERROGATOR_CUDA_BFLOAT16: return launch_for_type<__nv_bfloat16>(*request, stream);
    default: return INTERROGATOR_CUDA_INVALID;
  }
}
