// NativeCaptionModel: an image into token ids.
#pragma once

#include <vector>

#include "interrogator/caption_model.h"
#include "model_wrap.h"

namespace interrogator::binding {

class CaptionModelWrap : public ModelWrap<CaptionModelWrap, CaptionModel> {
 public:
  static constexpr char kName[] = "CaptionModel";
  static constexpr char kWhat[] = "caption model";
  static std::vector<PropertyDescriptor> methods();

  using ModelWrap::ModelWrap;

 private:
  friend ModelWrap;

  Napi::Value generate(const Napi::CallbackInfo& info);
};

}  // namespace interrogator::binding
