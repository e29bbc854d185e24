#include "caption_model_wrap.h"

#include <limits>

#include "async_call.h"
#include "cancel_token_wrap.h"
#include "device_wrap.h"
#include "image_wrap.h"

namespace interrogator::binding {

std::vector<CaptionModelWrap::PropertyDescriptor> CaptionModelWrap::methods() {
  return {InstanceMethod<&CaptionModelWrap::generate>("generate"), InstanceMethod<&CaptionModelWrap::offload>("offload"),
          InstanceMethod<&CaptionModelWrap::restore>("restore"), InstanceMethod<&CaptionModelWrap::close>("close")};
}

void CaptionModelWrap::adopt(Napi::Env env, std::shared_ptr<CaptionModel> model) {
  device_ = model->device();
  lease_ = ModelLease<CaptionModel>(environment_of(env), std::move(model));
}

Napi::Value CaptionModelWrap::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const DevicePtr device = DeviceWrap::device_of(info[0]);
    const auto folder = to_path(info[1], "folder");
    using Model = std::shared_ptr<CaptionModel>;
    return make_call<Model>(
               env, CancelTokenWrap::group_of(info[2]), [device, folder](AsyncCall<Model>&) { return CaptionModel::open(device, folder); },
               [](Napi::Env env, Model model) { return wrap(env, std::move(model)); })
        ->run_on(env, device);
  });
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
        ->merge_on(env, device_, model, [&](auto take, auto done, const CancelTokenPtr& token) {
          CaptionModel::submit_generate(model, std::move(image), options, std::move(take), std::move(done), token);
        });
  });
}

Napi::Value CaptionModelWrap::offload(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    return make_call<void>(env, nullptr, [model = share()](AsyncCall<void>&) { model->offload(); }, to_undefined)->run_on(env, device_);
  });
}

Napi::Value CaptionModelWrap::restore(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    return make_call<void>(env, nullptr, [model = share()](AsyncCall<void>&) { model->restore(); }, to_undefined)->run_on(env, device_);
  });
}

Napi::Value CaptionModelWrap::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] { return lease_.close(env); });
}

}  // namespace interrogator::binding
