// NativeCancelToken: stops the calls that it was given to.
#pragma once

#include <memory>
#include <vector>

#include "cancel_group.h"
#include "handle.h"

namespace interrogator::binding {

class CancelTokenWrap : public Handle<CancelTokenWrap> {
 public:
  static constexpr char kName[] = "CancelToken";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env, std::shared_ptr<CancelGroup> group) { group_ = std::move(group); }

  /// The group of a token argument; null where it is undefined or null.
  static std::shared_ptr<CancelGroup> group_of(Napi::Value token);

 private:
  void cancel(const Napi::CallbackInfo& info);

  std::shared_ptr<CancelGroup> group_;
};

}  // namespace interrogator::binding
