// NativeCancelToken: stops the calls that it was given to.
#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "handle.h"

namespace interrogator::binding {

class AsyncCall;

/// The calls that were given the same token; each has a token of its own, so that one can be stopped alone. JS thread only.
class CancelGroup {
 public:
  bool cancelled() const noexcept { return cancelled_; }
  void add(AsyncCall& call) { calls_.insert(&call); }
  void remove(AsyncCall& call) { calls_.erase(&call); }
  /// Stops every call of the group; those that wait in a queue are settled now.
  void cancel();

 private:
  bool cancelled_ = false;
  std::unordered_set<AsyncCall*> calls_;
};

class CancelTokenWrap : public Handle<CancelTokenWrap> {
 public:
  static constexpr char kName[] = "CancelToken";
  static std::vector<PropertyDescriptor> methods() { return {InstanceMethod<&CancelTokenWrap::cancel>("cancel")}; }

  using Handle::Handle;
  void adopt(Napi::Env, std::shared_ptr<CancelGroup> group) { group_ = std::move(group); }

  /// The group of a token argument; null where it is undefined or null.
  static std::shared_ptr<CancelGroup> group_of(Napi::Value token);

 private:
  void cancel(const Napi::CallbackInfo& info) {
    checked(info.Env(), [this] { group_->cancel(); });
  }

  std::shared_ptr<CancelGroup> group_;
};

}  // namespace interrogator::binding
