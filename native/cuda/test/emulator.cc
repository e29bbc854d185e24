#include "emulator.h"

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace interrogator::cuda::emulator {

namespace {

constexpr unsigned kWarp = 32;
constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostShared = 48 * 1024;
constexpr std::size_t kStackBytes = 64 * 1024;
constexpr int kInvalidConfiguration = -9;
constexpr int kLaunchFailure = -719;

thread_local std::string failure;

enum class State { kReady, kAtBlock, kAtWarp, kLeft };

/// Begun by makecontext on its own stack, then switched by setjmp, which unlike swapcontext calls no system.
struct Fiber {
  ucontext_t begin;
  jmp_buf at;
  bool begun = false;
  State state = State::kReady;
  Position position;
  std::source_location where;  ///< of the collective that it waits at
  unsigned turn = 0;           ///< which half of the warp's slots the next exchange uses
};

struct Warp {
  std::uint64_t slots[2][kWarp];
};

/// Kept for the thread's life: a thousand stacks are 64 MiB of address space.
char* stack_of(unsigned index) {
  thread_local std::vector<std::unique_ptr<char[]>> stacks;
  while (stacks.size() <= index) stacks.push_back(std::unique_ptr<char[]>(new char[kStackBytes]));
  return stacks[index].get();
}

class Block;
thread_local Block* running_block = nullptr;

class Block {
 public:
  Block(unsigned threads, std::size_t shared_size, const std::function<void()>& kernel)
      : kernel_(kernel), fibers_(threads), warps_((threads + kWarp - 1) / kWarp), shared_(shared_size / sizeof(Unit) + 1) {
    for (unsigned i = 0; i < threads; ++i) prepare(fibers_[i].begin, stack_of(i));
  }

  /// False: the kernel did something wrong, `failure` says what.
  bool run(dim3 grid, dim3 index, unsigned order) {
    grid_ = grid;
    std::memset(shared_.data(), 0xFF, shared_.size() * sizeof(Unit));
    for (unsigned i = 0; i < fibers_.size(); ++i) {
      fibers_[i].state = State::kReady;
      fibers_[i].turn = 0;
      fibers_[i].position = {grid_, index, dim3(i, 0, 0)};
    }
    std::vector<unsigned> turns(fibers_.size());
    std::iota(turns.begin(), turns.end(), 0u);
    if (order % 3 == 1) std::reverse(turns.begin(), turns.end());
    if (order % 3 == 2) std::shuffle(turns.begin(), turns.end(), std::minstd_rand(order));

    running_block = this;
    for (;;) {
      bool ran = false;
      for (const unsigned i : turns) {
        if (fibers_[i].state != State::kReady) continue;
        current_ = i;
        resume();
        if (!failure.empty()) return false;
        ran = true;
      }
      if (ran) continue;
      if (std::all_of(fibers_.begin(), fibers_.end(), [](const Fiber& fiber) { return fiber.state == State::kLeft; })) return true;
      if (!release()) return false;
    }
  }

  Fiber& current() { return fibers_[current_]; }
  unsigned lane() const { return current_ % kWarp; }
  Warp& warp() { return warps_[current_ / kWarp]; }
  unsigned char* shared() { return reinterpret_cast<unsigned char*>(shared_.data()); }

  void wait(State state, const std::source_location& where) {
    Fiber& fiber = current();
    fiber.state = state;
    fiber.where = where;
    leave();
  }

  /// Does not come back.
  void fail(const std::string& reason) {
    failure = reason;
    leave();
  }

 private:
  struct alignas(16) Unit {
    unsigned char bytes[16];
  };

  [[gnu::noinline]] static void prepare(ucontext_t& begin, char* stack) {
    getcontext(&begin);
    begin.uc_stack.ss_sp = stack;
    begin.uc_stack.ss_size = kStackBytes;
    begin.uc_link = nullptr;
    makecontext(&begin, &Block::enter, 0);
  }

  /// A fiber's whole life: the kernel once a block.
  static void enter() {
    for (;;) {
      Block& block = *running_block;
      block.kernel_();
      block.current().state = State::kLeft;
      block.leave();
    }
  }

  /// From the scheduler to the current fiber, until that leaves.
  [[gnu::noinline]] void resume() {
    Fiber& fiber = current();
    if (_setjmp(scheduler_) != 0) return;
    if (fiber.begun) _longjmp(fiber.at, 1);
    fiber.begun = true;
    setcontext(&fiber.begin);
  }

  /// From the current fiber to the scheduler, until that resumes it.
  [[gnu::noinline]] void leave() {
    if (_setjmp(current().at) == 0) _longjmp(scheduler_, 1);
  }

  static bool same(const std::source_location& a, const std::source_location& b) {
    return a.line() == b.line() && a.column() == b.column() && std::strcmp(a.file_name(), b.file_name()) == 0;
  }

  static std::string text(const std::source_location& where) { return std::string(where.file_name()) + ":" + std::to_string(where.line()); }

  /// Lets go what has all arrived. Nobody is ready when it is called.
  bool release() {
    bool released = false;
    for (std::size_t w = 0; w < warps_.size(); ++w) {
      const auto begin = fibers_.begin() + static_cast<std::ptrdiff_t>(w * kWarp);
      const auto end = std::min(begin + kWarp, fibers_.end());
      const auto waiting = std::find_if(begin, end, [](const Fiber& fiber) { return fiber.state == State::kAtWarp; });
      if (waiting == end) continue;
      for (auto fiber = begin; fiber != end; ++fiber) {
        if (fiber->state == State::kAtWarp && same(fiber->where, waiting->where)) continue;
        failure = "a lane does not reach the collective at " + text(waiting->where);
        return false;
      }
      for (auto fiber = begin; fiber != end; ++fiber) fiber->state = State::kReady;
      released = true;
    }
    if (released) return true;

    const auto waiting = std::find_if(fibers_.begin(), fibers_.end(), [](const Fiber& fiber) { return fiber.state == State::kAtBlock; });
    for (Fiber& fiber : fibers_) {
      if (fiber.state == State::kAtBlock && same(fiber.where, waiting->where)) continue;
      failure = "a thread does not reach the barrier at " + text(waiting->where);
      return false;
    }
    for (Fiber& fiber : fibers_) fiber.state = State::kReady;
    return true;
  }

  const std::function<void()>& kernel_;
  std::vector<Fiber> fibers_;
  std::vector<Warp> warps_;
  std::vector<Unit> shared_;
  dim3 grid_;
  unsigned current_ = 0;
  jmp_buf scheduler_;
};

}  // namespace

const Position& position() { return running_block->current().position; }

unsigned lane() { return running_block->lane(); }

unsigned char* shared_bytes() { return running_block->shared(); }

void wait_for_block(const std::source_location& where) { running_block->wait(State::kAtBlock, where); }

const std::uint64_t* exchange(unsigned mask, std::uint64_t value, const std::source_location& where) {
  Block& block = *running_block;
  if (mask != 0xFFFFFFFFu) block.fail("a collective of part of a warp is not emulated");
  // Two halves in turn: a lane may deposit its next value before another has read this one.
  const unsigned turn = block.current().turn++ % 2;
  block.warp().slots[turn][block.lane()] = value;
  block.wait(State::kAtWarp, where);
  return block.warp().slots[turn];
}

int run(dim3 grid, unsigned block, std::size_t shared_bytes, const std::function<void()>& kernel) {
  failure.clear();
  if (grid.x == 0 || grid.y == 0 || grid.z != 1 || grid.x > 0x7FFFFFFFu || grid.y > 65535u || block == 0 || block > kMostThreads ||
      block % kWarp != 0 || shared_bytes > kMostShared) {
    failure = "the launch's sizes are beyond a device's limits";
    return kInvalidConfiguration;
  }
  thread_local unsigned order = 0;
  Block emulated(block, shared_bytes, kernel);
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      if (!emulated.run(grid, dim3(x, y, 0), order++)) return kLaunchFailure;
    }
  }
  return 0;
}

const char* error_text(int) { return failure.c_str(); }

}  // namespace interrogator::cuda::emulator
