// From 8-bit pixels to model input, to the bit what the CPU's operator makes of them: all arithmetic is on integers, the
// weights and the table of normalised values are computed on the host.
#include "eight.h"
#include "interrogator_cuda.h"
#include "simt.h"

namespace interrogator::cuda {

namespace {

using Request = interrogator_cuda_image_request;

constexpr unsigned kThreads = 256;
constexpr int kChannels = 3;
constexpr int kFractionBits = 22;

__device__ std::uint8_t to_byte(std::int32_t sum) {
  const std::int32_t value = sum >> kFractionBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// One resized pixel: `count` source pixels from `source`, `step` bytes apart, weighted.
__device__ void resample(const std::uint8_t* source, std::int64_t step, const std::int32_t* weights, std::int32_t count,
                         std::uint8_t* result) {
  std::int32_t sums[kChannels];
  for (int channel = 0; channel < kChannels; ++channel) sums[channel] = 1 << (kFractionBits - 1);
  for (std::int32_t i = 0; i < count; ++i, source += step) {
    for (int channel = 0; channel < kChannels; ++channel) sums[channel] += source[channel] * weights[i];
  }
  for (int channel = 0; channel < kChannels; ++channel) result[channel] = to_byte(sums[channel]);
}

/// source [height, width, 3] → result [height, taps.count, 3]. A thread a resized pixel.
__global__ void resize_rows_kernel(const std::uint8_t* source, std::int64_t height, std::int64_t width, interrogator_cuda_taps taps,
                                   std::uint8_t* result) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= height * taps.count) return;
  const std::int64_t y = at / taps.count, x = at % taps.count;
  const std::int32_t offset = taps.offsets[x];
  resample(source + (y * width + taps.first[x]) * kChannels, kChannels, taps.weights + offset, taps.offsets[x + 1] - offset,
           result + at * kChannels);
}

/// source [any, width, 3] → result [taps.count, width, 3].
__global__ void resize_columns_kernel(const std::uint8_t* source, std::int64_t width, interrogator_cuda_taps taps, std::uint8_t* result) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (at >= taps.count * width) return;
  const std::int64_t y = at / width, x = at % width;
  const std::int32_t offset = taps.offsets[y];
  resample(source + (taps.first[y] * width + x) * kChannels, width * kChannels, taps.weights + offset, taps.offsets[y + 1] - offset,
           result + at * kChannels);
}

/// resized [rows.count, columns.count, 3] → the whole window, normalised. A thread a pixel of the window.
template <class T>
__global__ void normalise_kernel(const Request request, const std::uint8_t* resized) {
  const std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const std::int64_t plane = request.window_width * request.window_height;
  if (at >= plane) return;
  const std::int64_t y = at / request.window_width - request.top, x = at % request.window_width - request.left;
  const bool inside = y >= 0 && y < request.rows.count && x >= 0 && x < request.columns.count;
  for (int channel = 0; channel < kChannels; ++channel) {
    const int value = inside ? resized[(y * request.columns.count + x) * kChannels + channel] : request.fill;
    from_float(request.values[channel * 256 + value], static_cast<T*>(request.result)[channel * plane + at]);
  }
}

bool is_valid(const Request& request) {
  const auto inside = [](std::int64_t offset, std::int64_t count, std::int64_t window) {
    return offset >= 0 && count >= 0 && offset + count <= window;
  };
  return request.height >= 0 && request.width >= 0 && request.window_width >= 1 && request.window_height >= 1 && request.fill >= 0 &&
         request.fill <= 255 && inside(request.left, request.columns.count, request.window_width) &&
         inside(request.top, request.rows.count, request.window_height);
}

/// What lies between the passes, [first, last) of the image's two sizes.
std::int64_t between_bytes(const Request& request) {
  return kChannels * (request.vertical_first ? request.rows.count * request.width : request.height * request.columns.count);
}

std::int64_t resized_bytes(const Request& request) { return kChannels * request.rows.count * request.columns.count; }

dim3 grid_over(std::int64_t count) { return {static_cast<unsigned>(divide_up(count, kThreads))}; }

int resize(const Request& request, std::uint8_t* between, std::uint8_t* resized, void* stream) {
  if (resized_bytes(request) == 0) return INTERROGATOR_CUDA_OK;
  const dim3 first = grid_over(between_bytes(request) / kChannels), second = grid_over(resized_bytes(request) / kChannels);
  const auto* const middle = static_cast<const std::uint8_t*>(between);
  if (request.vertical_first) {
    const int failure = launch(resize_columns_kernel, first, kThreads, 0, stream, request.pixels, request.width, request.rows, between);
    if (failure != 0) return failure;
    return launch(resize_rows_kernel, second, kThreads, 0, stream, middle, request.rows.count, request.width, request.columns, resized);
  }
  const int failure =
      launch(resize_rows_kernel, first, kThreads, 0, stream, request.pixels, request.height, request.width, request.columns, between);
  if (failure != 0) return failure;
  return launch(resize_columns_kernel, second, kThreads, 0, stream, middle, request.columns.count, request.rows, resized);
}

template <class T>
int normalise(const Request& request, const std::uint8_t* resized, void* stream) {
  return launch(normalise_kernel<T>, grid_over(request.window_width * request.window_height), kThreads, 0, stream, request, resized);
}

}  // namespace

}  // namespace interrogator::cuda

extern "C" int64_t interrogator_cuda_image_workspace(const interrogator_cuda_image_request* request) {
  using namespace interrogator::cuda;
  return request && is_valid(*request) ? between_bytes(*request) + resized_bytes(*request) + 1 : 0;
}

extern "C" int interrogator_cuda_image(const interrogator_cuda_image_request* request, void* workspace, int64_t workspace_bytes,
                                       int32_t device, void* stream) {
  using namespace interrogator::cuda;
  if (!request || !is_valid(*request)) return INTERROGATOR_CUDA_INVALID;
  if (!workspace || workspace_bytes < interrogator_cuda_image_workspace(request)) return INTERROGATOR_CUDA_WORKSPACE;
  if (!fits_grid(divide_up(between_bytes(*request), kThreads))) return INTERROGATOR_CUDA_UNSUPPORTED;
  if (const int failure = use_device(device); failure != 0) return failure;
  auto* const between = static_cast<std::uint8_t*>(workspace);
  std::uint8_t* const resized = between + between_bytes(*request);
  if (const int failure = resize(*request, between, resized, stream); failure != 0) return failure;
  switch (request->type) {
    case INTERROGATOR_CUDA_FLOAT32: return normalise<float>(*request, resized, stream);
    case INTERROGATOR_CUDA_FLOAT16: return normalise<__half>(*request, resized, stream);
    case INTERROGATOR_CUDA_BFLOAT16: return normalise<__nv_bfloat16>(*request, resized, stream);
    default: return INTERROGATOR_CUDA_INVALID;
  }
}
