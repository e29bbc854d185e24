// NativeClipModel: images and texts into features.
#pragma once

#include <memory>
#include <vector>

#include "interrogator/clip_model.h"
#include "model_wrap.h"
#include "prompt_tree_wrap.h"

namespace interrogator::binding {

class ClipModelWrap : public ModelWrap<ClipModelWrap, ClipModel> {
 public:
  static constexpr char kName[] = "ClipModel";
  static constexpr char kWhat[] = "CLIP model";
  static std::vector<PropertyDescriptor> methods();

  using ModelWrap::ModelWrap;
  void adopt(Napi::Env env, std::shared_ptr<ClipModel> model);

 private:
  friend ModelWrap;

  Napi::Value image_features(const Napi::CallbackInfo& info);
  Napi::Value text_features(const Napi::CallbackInfo& info);
  Napi::Value tree(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  std::int64_t vocab_size_ = 0;
  std::vector<std::weak_ptr<TreeSlot>> trees_;
};

}  // namespace interrogator::binding
