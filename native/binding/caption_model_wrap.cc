#include "caption_model_wrap.h"

#include <limits>

#include "image_wrap.h"

namespace interrogator::binding {

std::vector<CaptionModelWrap::PropertyDescriptor> CaptionModelWrap::methods() {
  return with_shared_methods({promises<&CaptionModelWrap::generate>("generate")});
}

Napi::Value CaptionModelWrap::generate(const Napi::CallbackInfo& info) {
  const auto model = share();
  SharedImage image = ImageWrap::pixels_of(info[0], "image");
  GenerateOptions options;
  options.max_tokens =
      OptionsReader(info[1], "options").integer("maxTokens", options.max_tokens, 1, std::numeric_limits<std::int32_t>::max());
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[2]))
      ->merge_on<std::vector<std::int32_t>>(device(), model, from_int32s, [&](auto take) {
        return CaptionModel::caption_job(model, std::move(image), options, std::move(take));
      });
}

}  // namespace interrogator::binding
