// What the allocator and the kernel are told about the process's memory.
#pragma once

#include <ATen/core/Tensor.h>

namespace interrogator {

/// Not initialised, on the CPU, for what is read from end to end again and again: on Linux in huge pages where the
/// system has them, so that reading does not wait for page tables. Throws Error(kOutOfMemory).
at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, at::ScalarType type = at::kFloat);

/// Gives what the allocator keeps of freed memory back to the system: what the largest batch needed would stay with the
/// process otherwise. Meanwhile allocations of other threads may wait. Nothing where the C library
/// has no such call.
void release_freed_memory() noexcept;

}  // namespace interrogator
