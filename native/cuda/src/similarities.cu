// Dot products of float16 label rows with float32 features: the pass over the label matrix that cosine top-k consists of.
//
// Up to kFewFeatures at a time memory bandwidth is the limit: a warp takes kRows rows at once, reads them 16 bytes a
// lane and multiplies with features that lie in shared memory. With more features arithmetic is: blocks compute square
// tiles of the rows × features matrix. Either way each label is read from memory once.
#include "eight.h"
#include "simt.h"
#include "top_k_parts.h"

namespace interrogator::cuda {

namespace {

struct Product {
  const __half* labels;
  std::int64_t rows, dim;
  const float* features;
  std::int64_t batch;
  float* similarities;
  std::int64_t stride;
};

constexpr int kFewFeatures = 8;
constexpr int kRows = 4;
constexpr unsigned kWarps = 8;
constexpr std::int64_t kChunk = static_cast<std::int64_t>(kWarp) * kEight;  // numbers that a warp reads of a row at once
constexpr std::int64_t kSharedBytes = 48 * 1024;

/// Where number i of a feature lies in shared memory: the two halves of each lane's eight apart, so that neighbouring
/// lanes read neighbouring 16 bytes.
__device__ std::int64_t slot(std::int64_t i) {
  const std::int64_t in_chunk = i % kChunk, lane = in_chunk / kEight, half = in_chunk % kEight / 4;
  return i - in_chunk + half * (kChunk / 2) + lane * 4 + i % 4;
}

std::int64_t feature_floats(std::int64_t dim) { return divide_up(dim, kChunk) * kChunk; }

template <int kFeatures, bool kAligned>
__global__ void few_features_kernel(const Product product) {
  float* const features = shared_memory<float>();
  const std::int64_t padded = (product.dim + kChunk - 1) / kChunk * kChunk;
  for (std::int64_t i = threadIdx.x; i < kFeatures * padded; i += kWarps * kWarp) {
    const std::int64_t b = i / padded, at = i % padded;
    features[b * padded + slot(at)] = at < product.dim ? product.features[b * product.dim + at] : 0.0F;
  }
  __syncthreads();

  const std::int64_t lane = threadIdx.x % kWarp, warp = static_cast<std::int64_t>(blockIdx.x) * kWarps + threadIdx.x / kWarp;
  const std::int64_t warps = static_cast<std::int64_t>(gridDim.x) * kWarps;
  for (std::int64_t first = warp * kRows; first < product.rows; first += warps * kRows) {
    float sums[kRows][kFeatures] = {};
    for (std::int64_t start = 0; start < padded; start += kChunk) {
      Eight labels[kRows];
      for (int r = 0; r < kRows; ++r) {
        // Past the end the last row once more: read, not written.
        const std::int64_t row = first + r < product.rows ? first + r : product.rows - 1;
        labels[r] = load_eight<kAligned>(product.labels + row * product.dim, start + lane * kEight, product.dim);
      }
      for (int b = 0; b < kFeatures; ++b) {
        const float4* const halves = reinterpret_cast<const float4*>(features + b * padded + start);
        const float4 low = halves[lane], high = halves[kWarp + lane];
        for (int r = 0; r < kRows; ++r) {
          const float* const label = labels[r].values;
          sums[r][b] += label[0] * low.x + label[1] * low.y + label[2] * low.z + label[3] * low.w;
          sums[r][b] += label[4] * high.x + label[5] * high.y + label[6] * high.z + label[7] * high.w;
        }
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int b = 0; b < kFeatures; ++b) {
        float sum = sums[r][b];
        for (int offset = kWarp / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(kWholeWarp, sum, offset);
        if (lane == 0 && first + r < product.rows) product.similarities[b * product.stride + first + r] = sum;
      }
    }
  }
}

constexpr int kSide = 64;   // rows and features of a tile
constexpr int kDepth = 32;  // numbers of each that lie in shared memory at once
constexpr int kPatch = 4;   // a thread computes kPatch × kPatch products
constexpr unsigned kTileThreads = (kSide / kPatch) * (kSide / kPatch);
constexpr int kPitch = kSide + 1;  // one more than the tile: threads that write a column hit different banks

/// Eight numbers of one row into the columns of a tile in shared memory.
__device__ void put(const Eight& eight, float* tile, int row, int first) {
  for (int i = 0; i < kEight; ++i) tile[(first + i) * kPitch + row] = eight.values[i];
}

template <bool kAligned>
__global__ void many_features_kernel(const Product product) {
  static_assert(kTileThreads * kEight == kSide * kDepth, "each thread loads eight numbers of either tile");
  float* const labels = shared_memory<float>();
  float* const features = labels + kDepth * kPitch;
  const int thread = static_cast<int>(threadIdx.x);
  const int load_row = thread / (kDepth / kEight), load_first = thread % (kDepth / kEight) * kEight;
  const int patch_row = thread / (kSide / kPatch) * kPatch, patch_feature = thread % (kSide / kPatch) * kPatch;
  const std::int64_t first_row = static_cast<std::int64_t>(blockIdx.x) * kSide,
                     first_feature = static_cast<std::int64_t>(blockIdx.y) * kSide;
  const bool has_row = first_row + load_row < product.rows, has_feature = first_feature + load_row < product.batch;

  float sums[kPatch][kPatch] = {};
  for (std::int64_t start = 0; start < product.dim; start += kDepth) {
    Eight label = {}, feature = {};
    if (has_row) label = load_eight<kAligned>(product.labels + (first_row + load_row) * product.dim, start + load_first, product.dim);
    if (has_feature) {
      feature = load_eight<kAligned>(product.features + (first_feature + load_row) * product.dim, start + load_first, product.dim);
    }
    put(label, labels, load_row, load_first);
    put(feature, features, load_row, load_first);
    __syncthreads();
    for (int i = 0; i < kDepth; ++i) {
      for (int r = 0; r < kPatch; ++r) {
        for (int b = 0; b < kPatch; ++b) sums[r][b] += labels[i * kPitch + patch_row + r] * features[i * kPitch + patch_feature + b];
      }
    }
    __syncthreads();
  }
  for (int b = 0; b < kPatch; ++b) {
    for (int r = 0; r < kPatch; ++r) {
      const std::int64_t row = first_row + patch_row + r, feature = first_feature + patch_feature + b;
      if (row < product.rows && feature < product.batch) product.similarities[feature * product.stride + row] = sums[r][b];
    }
  }
}

template <int kFeatures>
int launch_few(const Product& product, bool aligned, void* stream) {
  const std::int64_t blocks = divide_up(divide_up(product.rows, kRows), kWarps);
  // A block loads its features once, so no more blocks than run at a time.
  const std::int64_t most = static_cast<std::int64_t>(multiprocessors()) * 4;
  const dim3 grid(static_cast<unsigned>(blocks < most ? blocks : most));
  auto* const kernel = aligned ? few_features_kernel<kFeatures, true> : few_features_kernel<kFeatures, false>;
  const auto shared_bytes = static_cast<std::size_t>(kFeatures * feature_floats(product.dim)) * sizeof(float);
  return launch(kernel, grid, kWarps * kWarp, shared_bytes, stream, product);
}

int launch_many(const Product& product, bool aligned, void* stream) {
  const std::int64_t blocks = divide_up(product.rows, kSide);
  const dim3 grid(static_cast<unsigned>(blocks), static_cast<unsigned>(divide_up(product.batch, kSide)));
  auto* const kernel = aligned ? many_features_kernel<true> : many_features_kernel<false>;
  return launch(kernel, grid, kTileThreads, 2 * kDepth * kPitch * sizeof(float), stream, product);
}

/// As few passes as shared memory allows.
int write_for_few(Product product, bool aligned, void* stream) {
  while (product.batch > 0) {
    const std::int64_t fit = kSharedBytes / (feature_floats(product.dim) * static_cast<std::int64_t>(sizeof(float)));
    const std::int64_t most = fit < product.batch ? fit : product.batch;
    const int features = most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1;
    const int failure = features == 8   ? launch_few<8>(product, aligned, stream)
                        : features == 4 ? launch_few<4>(product, aligned, stream)
                        : features == 2 ? launch_few<2>(product, aligned, stream)
                                        : launch_few<1>(product, aligned, stream);
    if (failure != 0) return failure;
    product.features += features * product.dim;
    product.similarities += features * product.stride;
    product.batch -= features;
  }
  return INTERROGATOR_CUDA_OK;
}

}  // namespace

bool takes_dimension(std::int64_t dim) { return feature_floats(dim) * static_cast<std::int64_t>(sizeof(float)) <= kSharedBytes; }

int write_similarities(const interrogator_cuda_label_rows& labels, const float* features, std::int64_t batch, std::int64_t dim,
                       float* similarities, std::int64_t stride, void* stream) {
  if (labels.rows == 0) return INTERROGATOR_CUDA_OK;
  const Product product{static_cast<const __half*>(labels.data), labels.rows, dim, features, batch, similarities, stride};
  const bool aligned = is_aligned(product.labels, sizeof(__half), dim, dim) && is_aligned(features, sizeof(float), dim, dim);
  return batch <= kFewFeatures ? write_for_few(product, aligned, stream) : launch_many(product, aligned, stream);
}

}  // namespace interrogator::cuda
