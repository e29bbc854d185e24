// What the kernels are written in: CUDA's own names on a device, the emulator's in the tests. A kernel uses nothing
// else of CUDA, so that the same source runs thread by thread on the CPU (see test/emulator.h).
#pragma once

#include <cstdint>

#ifdef INTERROGATOR_EMULATE
#include "emulator.h"
#else

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace interrogator::cuda {

/// A block's dynamic shared memory.
template <class T>
__device__ inline T* shared_memory() {
  extern __shared__ __align__(16) unsigned char shared_bytes[];
  return reinterpret_cast<T*>(shared_bytes);
}

/// Queues a kernel. 0, or the negated cudaError_t.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, std::size_t shared_bytes, void* stream,
           const Arguments&... arguments) {
  kernel<<<grid, block, shared_bytes, static_cast<cudaStream_t>(stream)>>>(arguments...);
  return -static_cast<int>(cudaGetLastError());
}

/// Before anything is launched: our CUDA runtime is not libtorch's and remembers a device of its own.
inline int use_device(int device) { return -static_cast<int>(cudaSetDevice(device)); }

/// Of the current device; 1 where that cannot be asked.
inline int multiprocessors() {
  int device = 0, count = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return 1;
  return cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) == cudaSuccess && count > 0 ? count : 1;
}

inline const char* device_error_text(int error) { return cudaGetErrorString(static_cast<cudaError_t>(-error)); }

}  // namespace interrogator::cuda

#endif

namespace interrogator::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kWholeWarp = 0xFFFFFFFFu;

inline std::int64_t divide_up(std::int64_t value, std::int64_t by) { return (value + by - 1) / by; }

/// A grid's width; its limit is 2^31 - 1 blocks.
inline bool fits_grid(std::int64_t blocks) { return blocks <= INT32_MAX; }

}  // namespace interrogator::cuda
