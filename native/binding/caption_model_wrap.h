// NativeCaptionModel: an image into token ids.
#pragma once

#include <memory>
#include <vector>

#include "handle.h"
#include "interrogator/caption_model.h"
#include "model_lease.h"

namespace interrogator::binding {

class CaptionModelWrap : public Handle<CaptionModelWrap> {
 public:
  static constexpr char kName[] = "CaptionModel";
  static constexpr char kDisposal[] = "asyncDispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env env, std::shared_ptr<CaptionModel> model);

  /// openCaptionModel(device, folder, token)
  static Napi::Value open(const Napi::CallbackInfo& info);

 private:
  Napi::Value generate(const Napi::CallbackInfo& info);
  Napi::Value offload(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<CaptionModel> share() const { return lease_.share("caption model"); }

  ModelLease<CaptionModel> lease_;
  DevicePtr device_;
};

}  // namespace interrogator::binding
