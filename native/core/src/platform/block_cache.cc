#include "platform/block_cache.h"

#include <sys/mman.h>

#include <iterator>
#include <new>

namespace interrogator {

namespace {

constexpr std::size_t kGrain = std::size_t{16} << 10;  // sizes are multiples of it, so that similar ones share blocks
constexpr std::size_t kWaste = 4;                      // a block serves what fills a fourth of it: layers of a ResNet have many sizes
constexpr std::size_t kSlack = std::size_t{16} << 20;  // kept whatever is asked for, so that many sizes in turn do not chase each other out

}  // namespace

BlockCache::Block BlockCache::take(std::size_t bytes) {
  if (bytes > static_cast<std::size_t>(-1) - kGrain) throw std::bad_alloc();
  const std::size_t size = (bytes + kGrain - 1) / kGrain * kGrain;
  {
    const std::lock_guard lock(mutex_);
    const auto fit = kept_.lower_bound(size);
    if (fit != kept_.end() && fit->first <= kWaste * size) {
      const Block block{fit->second, fit->first};
      kept_bytes_ -= block.bytes;
      kept_.erase(fit);
      return block;
    }
    if (kept_bytes_ > kSlack) drop(size);
  }
  void* const data = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  return {data, size};
}

void BlockCache::give(Block block) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    kept_.emplace(block.bytes, block.data);
    kept_bytes_ += block.bytes;
  } catch (...) {
    munmap(block.data, block.bytes);
  }
}

/// Gives kept blocks back until they were `bytes`: the smallest that is as large, or else the largest ones. With the mutex held.
void BlockCache::drop(std::size_t bytes) noexcept {
  for (std::size_t dropped = 0; dropped < bytes && !kept_.empty();) {
    auto block = kept_.lower_bound(bytes - dropped);
    if (block == kept_.end()) block = std::prev(block);
    munmap(block->second, block->first);
    dropped += block->first;
    kept_bytes_ -= block->first;
    kept_.erase(block);
  }
}

void BlockCache::release() noexcept {
  const std::lock_guard lock(mutex_);
  drop(kept_bytes_);
}

std::size_t BlockCache::kept_bytes() const {
  const std::lock_guard lock(mutex_);
  return kept_bytes_;
}

}  // namespace interrogator
