// Where tensors on the CPU lie in memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace interrogator {

/// Not initialised, on the CPU, on Linux in a mapping of its own, which is given back when it is freed. Throws Error(kOutOfMemory).
at::Tensor empty_in_mapping(at::IntArrayRef sizes, at::ScalarType type);

/// Throws Error(kOutOfMemory) at once where so many bytes more, and what the process needs to go on beside them, are more than the system
/// gives: a load that took all it could get before it failed would end a runtime that allocates meanwhile. Knows nothing where it is not
/// Linux.
void require_room(std::uint64_t bytes);

/// As empty_in_mapping, for what is read from end to end again and again, in huge pages where the system has them, so that reading does not
/// wait for page tables.
at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, at::ScalarType type = at::kFloat);

/// From now on libtorch's large tensors on the CPU lie in blocks of our own (block_cache.h). In the C library's arenas they would leave
/// holes, and the process would grow for hours; and only the whole process's arenas could be told to give memory back.
void take_over_large_tensors();

/// Gives what is kept of freed large tensors back to the system: what the largest batch needed would stay with the process otherwise.
/// With TORCH_INTERROGATOR_MALLOC_TRIM in the environment glibc gives back what it keeps for the whole process, too.
void release_freed_memory() noexcept;

/// To be called by a device that does not rest: with TORCH_INTERROGATOR_MALLOC_TRIM in the environment glibc gives back what it keeps, at
/// most once in ten seconds. Large tensors' blocks stay for the next batch.
void trim_now_and_then() noexcept;

}  // namespace interrogator
