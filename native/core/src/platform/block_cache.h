// Large blocks of memory that come from the system and go back to it, without the C library's arenas.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>

namespace interrogator {

/// Keeps freed blocks for those who ask next, because the system's pages cost time when they are first touched. It maps new ones only
/// when all that fit are in use, and then it gives up as many kept bytes: so it never holds much more than its blocks in use at once,
/// whatever sizes come. A block may be a few times as large as what it was taken for. Any thread.
class BlockCache {
 public:
  struct Block {
    void* data = nullptr;
    std::size_t bytes = 0;
  };

  ~BlockCache() { release(); }

  /// At least `bytes`, page-aligned, not initialised. Throws std::bad_alloc.
  Block take(std::size_t bytes);
  void give(Block block) noexcept;
  /// Gives all kept blocks back to the system.
  void release() noexcept;
  std::size_t kept_bytes() const;

 private:
  void drop(std::size_t bytes) noexcept;

  mutable std::mutex mutex_;
  std::multimap<std::size_t, void*> kept_;
  std::size_t kept_bytes_ = 0;
};

}  // namespace interrogator
