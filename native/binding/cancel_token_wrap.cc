#include "cancel_token_wrap.h"

namespace interrogator::binding {

std::vector<CancelTokenWrap::PropertyDescriptor> CancelTokenWrap::methods() { return {InstanceMethod<&CancelTokenWrap::cancel>("cancel")}; }

std::shared_ptr<CancelGroup> CancelTokenWrap::group_of(Napi::Value token) {
  if (token.IsUndefined() || token.IsNull()) return nullptr;
  return unwrap(token, "token").group_;
}

void CancelTokenWrap::cancel(const Napi::CallbackInfo& info) {
  checked(info.Env(), [this] { group_->cancel(); });
}

}  // namespace interrogator::binding
