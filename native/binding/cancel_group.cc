#include "cancel_group.h"

namespace interrogator::binding {

void CancelGroup::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  std::unordered_set<Device*> devices;
  for (PendingCall* const call : calls_) {
    call->cancel();
    if (call->device) devices.insert(call->device.get());
  }
  for (Device* const device : devices) device->sweep_cancelled();
}

}  // namespace interrogator::binding
