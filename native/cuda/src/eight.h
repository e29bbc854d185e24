// Eight neighbouring numbers of a row in float32, read and written 16 bytes at a time where they are aligned.
#pragma once

#include "simt.h"

namespace interrogator::cuda {

inline constexpr int kEight = 8;

struct Eight {
  float values[kEight];
};

__device__ inline float to_float(float value) { return value; }
__device__ inline float to_float(__half value) { return __half2float(value); }
__device__ inline float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

__device__ inline void from_float(float value, float& result) { result = value; }
__device__ inline void from_float(float value, __half& result) { result = __float2half_rn(value); }
__device__ inline void from_float(float value, __nv_bfloat16& result) { result = __float2bfloat16_rn(value); }

/// row[first … first+8), zeros from `size` on. kAligned promises what `is_aligned` checks.
template <bool kAligned, class T>
__device__ inline Eight load_eight(const T* row, std::int64_t first, std::int64_t size) {
  Eight eight = {};
  if constexpr (kAligned) {
    if (first >= size) return eight;
    constexpr int kVectors = kEight * sizeof(T) / sizeof(uint4);
    uint4 vectors[kVectors];
    for (int i = 0; i < kVectors; ++i) vectors[i] = reinterpret_cast<const uint4*>(row + first)[i];
    const T* const values = reinterpret_cast<const T*>(vectors);
    for (int i = 0; i < kEight; ++i) eight.values[i] = to_float(values[i]);
  } else {
    for (int i = 0; i < kEight; ++i) {
      if (first + i < size) eight.values[i] = to_float(row[first + i]);
    }
  }
  return eight;
}

/// The reverse of load_eight: nothing is written from `size` on.
template <bool kAligned, class T>
__device__ inline void store_eight(const Eight& eight, T* row, std::int64_t first, std::int64_t size) {
  if constexpr (kAligned) {
    if (first >= size) return;
    constexpr int kVectors = kEight * sizeof(T) / sizeof(uint4);
    uint4 vectors[kVectors];
    T* const values = reinterpret_cast<T*>(vectors);
    for (int i = 0; i < kEight; ++i) from_float(eight.values[i], values[i]);
    for (int i = 0; i < kVectors; ++i) reinterpret_cast<uint4*>(row + first)[i] = vectors[i];
  } else {
    for (int i = 0; i < kEight; ++i) {
      if (first + i < size) from_float(eight.values[i], row[first + i]);
    }
  }
}

/// Whether all rows at `data` with these strides can be read in vectors: each starts on 16 bytes and
/// its size is a multiple of eight.
template <class... Strides>
bool is_aligned(const void* data, std::size_t element_bytes, std::int64_t size, Strides... strides) {
  const auto on_vector = [](std::uint64_t bytes) { return bytes % sizeof(uint4) == 0; };
  return size % kEight == 0 && on_vector(reinterpret_cast<std::uintptr_t>(data)) &&
         (on_vector(static_cast<std::uint64_t>(strides) * element_bytes) && ...);
}

}  // namespace interrogator::cuda
