#include "platform/memory.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>

#include "interrogator/error.h"
#include "platform/block_cache.h"

namespace interrogator {

namespace {

constexpr std::size_t kLarge = std::size_t{256} << 10;
constexpr std::size_t kAlignment = 64;
constexpr std::uint64_t kSpare = std::uint64_t{64} << 20;  // for the heap and threads of JavaScript
constexpr std::chrono::seconds kTrimInterval{10};          // while it is done others may wait for memory

/// Never destroyed: tensors may be freed at exit.
BlockCache& blocks() {
  static BlockCache* const cache = new BlockCache();
  return *cache;
}

/// Before the bytes of each tensor stands the size of its block, 0 for one of the C library.
class TensorAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &free, c10::kCPU};
    BlockCache::Block block;
    if (bytes > static_cast<std::size_t>(-1) - kAlignment) throw std::bad_alloc();
    if (bytes >= kLarge) block = blocks().take(bytes + kAlignment);
    else if (posix_memalign(&block.data, kAlignment, bytes + kAlignment) != 0) throw std::bad_alloc();
    *static_cast<std::size_t*>(block.data) = block.bytes;
    void* const data = static_cast<char*>(block.data) + kAlignment;
    return {data, data, &free, c10::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

 private:
  static void free(void* data) {
    if (!data) return;
    void* const start = static_cast<char*>(data) - kAlignment;
    const std::size_t bytes = *static_cast<std::size_t*>(start);
    if (bytes > 0) blocks().give({start, bytes});
    else std::free(start);
  }
};

void trim_if_asked() noexcept {
#ifdef __GLIBC__
  static const bool asked = [] {
    const char* const value = std::getenv("TORCH_INTERROGATOR_MALLOC_TRIM");
    return value && *value != '\0' && std::string_view(value) != "0";
  }();
  if (asked) malloc_trim(0);
#endif
}

}  // namespace

void require_room([[maybe_unused]] std::uint64_t bytes) {
#ifdef __linux__
  void* const memory = mmap(nullptr, bytes + kSpare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(bytes) + " bytes of weights");
  munmap(memory, bytes + kSpare);
#endif
}

at::Tensor empty_in_mapping(at::IntArrayRef sizes, at::ScalarType type) {
#ifdef __linux__
  const std::size_t bytes = at::elementSize(type) * static_cast<std::size_t>(c10::multiply_integers(sizes));
  if (bytes > 0) {
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw Error(ErrorCode::kOutOfMemory, "no memory for " + std::to_string(bytes) + " bytes of weights");
    return at::from_blob(memory, sizes, [bytes](void* mapped) { munmap(mapped, bytes); }, type);
  }
#endif
  return at::empty(sizes, type);
}

at::Tensor empty_in_huge_pages(at::IntArrayRef sizes, at::ScalarType type) {
  at::Tensor tensor = empty_in_mapping(sizes, type);
#ifdef __linux__
  // Of a mapping, huge pages take only what fills them whole.
  if (tensor.nbytes() > 0) madvise(tensor.mutable_data_ptr(), tensor.nbytes(), MADV_HUGEPAGE);
#endif
  return tensor;
}

void take_over_large_tensors() {
  [[maybe_unused]] static const bool done = [] {
    c10::SetCPUAllocator(new TensorAllocator(), /*priority=*/1);
    return true;
  }();
}

void release_freed_memory() noexcept {
  blocks().release();
  trim_if_asked();
}

void trim_now_and_then() noexcept {
  using Clock = std::chrono::steady_clock;
  static std::atomic<Clock::rep> last{Clock::now().time_since_epoch().count()};
  const Clock::time_point now = Clock::now();
  Clock::rep before = last.load(std::memory_order_relaxed);
  if (now - Clock::time_point(Clock::duration(before)) < kTrimInterval) return;
  // Of several devices one does it.
  if (last.compare_exchange_strong(before, now.time_since_epoch().count(), std::memory_order_relaxed)) trim_if_asked();
}

}  // namespace interrogator
