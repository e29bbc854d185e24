#include "cancel_token_wrap.h"

#include "async_call.h"

namespace interrogator::binding {

void CancelGroup::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  std::unordered_set<Device*> devices;
  for (AsyncCall* const call : calls_) {
    call->cancel();
    if (call->device()) devices.insert(call->device().get());
  }
  for (Device* const device : devices) device->sweep_cancelled();
}

std::shared_ptr<CancelGroup> CancelTokenWrap::group_of(Napi::Value token) {
  if (token.IsUndefined() || token.IsNull()) return nullptr;
  return unwrap(token, "token").group_;
}

}  // namespace interrogator::binding
