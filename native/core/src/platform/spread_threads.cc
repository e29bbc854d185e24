#include "platform/spread_threads.h"

#if defined(__linux__)
#include <ATen/Parallel.h>
#include <sched.h>

#include <thread>
#endif

namespace interrogator {

#if defined(__linux__)

namespace {

/// The kernel moves the calling thread at once when its processor is taken from it. It may come back later.
void leave(int processor) {
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;  // more processors than the set holds
  cpu_set_t others = all;
  CPU_CLR(static_cast<std::size_t>(processor), &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  sched_setaffinity(0, sizeof all, &all);
}

}  // namespace

void spread_threads() noexcept {
  const int threads = at::get_num_threads(), home = sched_getcpu();
  if (threads < 2 || home < 0) return;
  at::parallel_for(0, threads, 1, [home](std::int64_t, std::int64_t) {
    if (at::get_thread_num() == 0) {
      std::this_thread::yield();  // for one that waits for this processor
    } else if (sched_getcpu() == home) {
      leave(home);
    }
  });
}

#else

void spread_threads() noexcept {}

#endif

}  // namespace interrogator
