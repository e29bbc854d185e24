// CUDA's names on the CPU, for tests: each thread of a block is a fiber, so that a kernel's own source runs with all its
// indices, barriers and shuffles. What a device would forgive only by luck is an error here: a barrier that some threads
// do not reach, a shuffle with lanes that have left, sizes beyond a launch's limits. Shared memory starts as a pattern
// that is no number, and threads take their turns in changing orders, so that a missing barrier shows.
//
// Not emulated: memory that two blocks share, the order of blocks (one after another here), speed.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <math.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <source_location>

#define __global__
#define __device__

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) float4 {
  float x, y, z, w;
};

namespace interrogator::cuda::emulator {

/// Where the running fiber is.
struct Position {
  dim3 grid, block, thread;
};
const Position& position();

/// Runs a kernel over a grid. 0; -9 (invalid configuration) for sizes that a device refuses; -719 (launch failure) where
/// threads wait for each other for ever or a collective is misused.
int run(dim3 grid, unsigned block, std::size_t shared_bytes, const std::function<void()>& kernel);
/// Why the last run on this thread failed.
const char* error_text(int error);

unsigned char* shared_bytes();
void wait_for_block(const std::source_location& where);
/// Deposits a value, waits for the whole warp, gives back what its 32 lanes deposited.
const std::uint64_t* exchange(unsigned mask, std::uint64_t value, const std::source_location& where);
unsigned lane();

template <class T>
T shuffle(unsigned mask, T value, unsigned source, const std::source_location& where) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = exchange(mask, bits, where)[source % 32];
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace interrogator::cuda::emulator

#define blockIdx (::interrogator::cuda::emulator::position().block)
#define threadIdx (::interrogator::cuda::emulator::position().thread)
#define gridDim (::interrogator::cuda::emulator::position().grid)

inline void __syncthreads(const std::source_location where = std::source_location::current()) {
  ::interrogator::cuda::emulator::wait_for_block(where);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes, const std::source_location where = std::source_location::current()) {
  namespace emulator = ::interrogator::cuda::emulator;
  return emulator::shuffle(mask, value, emulator::lane() ^ static_cast<unsigned>(lanes), where);
}

inline unsigned __ballot_sync(unsigned mask, bool vote, const std::source_location where = std::source_location::current()) {
  namespace emulator = ::interrogator::cuda::emulator;
  const std::uint64_t* const deposited = emulator::exchange(mask, vote ? 1 : 0, where);
  unsigned votes = 0;
  for (unsigned source = 0; source < 32; ++source) votes |= static_cast<unsigned>(deposited[source]) << source;
  return votes;
}

inline int __ffs(int value) { return __builtin_ffs(value); }

inline std::uint32_t __float_as_uint(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

using __half = c10::Half;
using __nv_bfloat16 = c10::BFloat16;
inline float __half2float(__half value) { return value; }
inline float __bfloat162float(__nv_bfloat16 value) { return value; }
inline __half __float2half_rn(float value) { return value; }
inline __nv_bfloat16 __float2bfloat16_rn(float value) { return value; }

namespace interrogator::cuda {

template <class T>
T* shared_memory() {
  return reinterpret_cast<T*>(emulator::shared_bytes());
}

template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), dim3 grid, unsigned block, std::size_t shared_bytes, void*, const Arguments&... arguments) {
  return emulator::run(grid, block, shared_bytes, [&] { kernel(arguments...); });
}

inline int use_device(int) { return 0; }

/// Few, so that a block's loop over the grid is taken more than once.
inline int multiprocessors() { return 2; }

inline const char* device_error_text(int error) { return emulator::error_text(error); }

}  // namespace interrogator::cuda
