// NativeClipModel: images and texts into features.
#pragma once

#include <memory>
#include <vector>

#include "handle.h"
#include "interrogator/clip_model.h"
#include "model_lease.h"
#include "prompt_tree_wrap.h"

namespace interrogator::binding {

class ClipModelWrap : public Handle<ClipModelWrap> {
 public:
  static constexpr char kName[] = "ClipModel";
  static constexpr char kDisposal[] = "asyncDispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env env, std::shared_ptr<ClipModel> model);

  /// openClipModel(device, folder, token)
  static Napi::Value open(const Napi::CallbackInfo& info);

 private:
  Napi::Value embed_dim(const Napi::CallbackInfo& info);
  Napi::Value context_length(const Napi::CallbackInfo& info);
  Napi::Value image_features(const Napi::CallbackInfo& info);
  Napi::Value text_features(const Napi::CallbackInfo& info);
  Napi::Value tree(const Napi::CallbackInfo& info);
  Napi::Value offload(const Napi::CallbackInfo& info);
  Napi::Value restore(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::shared_ptr<ClipModel> share() const { return lease_.share("CLIP model"); }

  ModelLease<ClipModel> lease_;
  DevicePtr device_;
  std::int64_t embed_dim_ = 0, context_length_ = 0, vocab_size_ = 0;  // also known when closed
  std::vector<std::weak_ptr<TreeSlot>> trees_;
};

}  // namespace interrogator::binding
