// Where the threads that compute run.
#pragma once

namespace interrogator {

/// Wakes libtorch's threads and moves those off the calling thread's processor that were woken onto it. Linux wakes a thread
/// where the one that woke it runs, and moves it to an idle processor only after milliseconds: as long as a short call takes.
/// For a thread that has slept, before it computes. Elsewhere nothing.
void spread_threads() noexcept;

}  // namespace interrogator
