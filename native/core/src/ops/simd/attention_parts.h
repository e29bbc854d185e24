// What attention is made of, for the sources that are built once an instruction set. Everything is internal to the including file.
#pragma once

#include "ops/simd/vector.h"

namespace interrogator::ops::simd {

namespace {

inline float dot(const float* a, const float* b, std::int64_t size) {
  Vector sums = broadcast(0);
  std::int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) sums += load(a + i) * load(b + i);
  float sum = sum_of(sums);
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

inline std::int64_t round_up(std::int64_t size) { return (size + kLanes - 1) / kLanes * kLanes; }

}  // namespace

}  // namespace interrogator::ops::simd
