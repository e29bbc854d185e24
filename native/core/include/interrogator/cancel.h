// A flag that one thread sets and the working thread reads between steps.
#pragma once

#include <atomic>
#include <memory>

#include "interrogator/error.h"

namespace interrogator {

class CancelToken {
 public:
  void cancel() noexcept { cancelled_.store(true, std::memory_order_release); }
  bool cancelled() const noexcept { return cancelled_.load(std::memory_order_acquire); }
  /// Throws Error(kAborted) once cancelled. Call it before each step of long work.
  void check() const {
    if (cancelled()) throw Error(ErrorCode::kAborted, "cancelled by the caller");
  }

 private:
  std::atomic<bool> cancelled_{false};
};

using CancelTokenPtr = std::shared_ptr<CancelToken>;

}  // namespace interrogator
