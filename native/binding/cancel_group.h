// What a JavaScript cancel token reaches: each call has a token of its own, so that one call can be stopped alone.
#pragma once

#include <unordered_set>

#include "environment.h"

namespace interrogator::binding {

/// The calls that were given the same token. JS thread only.
class CancelGroup {
 public:
  bool cancelled() const noexcept { return cancelled_; }
  void add(PendingCall& call) { calls_.insert(&call); }
  void remove(PendingCall& call) { calls_.erase(&call); }
  /// Stops every call of the group; those that wait in a queue are settled now.
  void cancel();

 private:
  bool cancelled_ = false;
  std::unordered_set<PendingCall*> calls_;
};

}  // namespace interrogator::binding
