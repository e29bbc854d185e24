#include "platform/memory.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#elif defined(__APPLE__)
#include <malloc/malloc.h>
#endif

#include <string>

#include "interrogator/error.h"

namespace interrogator {

at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, at::ScalarType type) {
#if defined(__linux__)
  const std::size_t bytes = at::elementSize(type) * static_cast<std::size_t>(c10::multiply_integers(sizes));
  if (bytes > 0) {
    // Of a mapping, huge pages take only what fills them whole.
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw Error(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(bytes) + " bytes of weights");
    madvise(memory, bytes, MADV_HUGEPAGE);
    return at::from_blob(memory, sizes, [bytes](void* mapped) { munmap(mapped, bytes); }, type);
  }
#endif
  return at::empty(sizes, type);
}

void release_freed_memory() noexcept {
#if defined(__GLIBC__)
  malloc_trim(0);
#elif defined(__APPLE__)
  malloc_zone_pressure_relief(nullptr, 0);
#endif
}

}  // namespace interrogator
