#include "caption_model_wrap.h"

#include <limits>

#include "cancel_token_wrap.h"
#include "image_wrap.h"

namespace interrogator::binding {

std::vector<CaptionModelWrap::PropertyDescriptor> CaptionModelWrap::methods() {
  return with_shared_methods({InstanceMethod<&CaptionModelWrap::generate>("generate")});
}

Napi::Value CaptionModelWrap::generate(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const auto model = share();
    SharedImage image = ImageWrap::pixels_of(info[0], "image");
    GenerateOptions options;
    options.max_tokens =
        OptionsReader(info[1], "options").integer("maxTokens", options.max_tokens, 1, std::numeric_limits<std::int32_t>::max());
    using Ids = std::vector<std::int32_t>;
    return make_call<Ids>(env, CancelTokenWrap::group_of(info[2]), from_int32s)
        ->merge_on(env, device(), model, [&](auto take, auto done, const CancelTokenPtr& token) {
          CaptionModel::submit_generate(model, std::move(image), options, std::move(take), std::move(done), token);
        });
  });
}

}  // namespace interrogator::binding
