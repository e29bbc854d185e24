// interrogator.node: what lib/native/types.ts calls NativeBinding.
#include <napi.h>

#include <memory>

#include "async_call.h"
#include "caption_model_wrap.h"
#include "clip_model_wrap.h"
#include "device_wrap.h"
#include "features_wrap.h"
#include "handle.h"
#include "image_wrap.h"
#include "interrogator/runtime.h"
#include "label_matrix_wrap.h"
#include "prompt_tree_wrap.h"

namespace interrogator::binding {

namespace {

Napi::Value from_runtime_info(Napi::Env env, const RuntimeInfo& runtime) {
  const auto features = Napi::Array::New(env, runtime.cpu_features.size());
  for (std::uint32_t i = 0; i < runtime.cpu_features.size(); ++i) features.Set(i, runtime.cpu_features[i]);
  const auto object = Napi::Object::New(env);
  object.Set("coreVersion", runtime.core_version);
  object.Set("libtorchVersion", runtime.libtorch_version);
  object.Set("cpuFeatures", features);
  object.Set("cudaDevices", runtime.cuda_devices);
  object.Set("physicalCores", runtime.physical_cores);
  return object;
}

/// The first look for a GPU loads the driver and starts it, which takes up to seconds.
Napi::Value runtime_information(const Napi::CallbackInfo& info) {
  return AsyncCall::create(info.Env())->run_on(environment_of(info.Env()).file_thread(), [](AsyncCall&) {
    return answer(from_runtime_info, runtime_info());
  });
}

Napi::Value create_cancel_token(const Napi::CallbackInfo& info) {
  return checked(info.Env(), [&] { return CancelTokenWrap::wrap(info.Env(), std::make_shared<CancelGroup>()); });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  auto instance = std::make_unique<InstanceData>();
  instance->environment = Environment::create(env);
  env.SetInstanceData(instance.release());

  CancelTokenWrap::define(env);
  CaptionModelWrap::define(env);
  ClipModelWrap::define(env);
  DeviceWrap::define(env);
  FeaturesWrap::define(env);
  ImageWrap::define(env);
  LabelMatrixWrap::define(env);
  PromptTreeWrap::define(env);

  const auto offer = [&](const char* name, Napi::Value (*call)(const Napi::CallbackInfo&)) {
    exports.Set(name, Napi::Function::New(env, call, name));
  };
  offer("runtimeInfo", promising<runtime_information>);
  offer("createCancelToken", create_cancel_token);
  offer("expectImage", ImageWrap::expect);
  offer("fillImage", ImageWrap::fill);
  offer("copyImage", ImageWrap::copy);
  offer("openDevice", promising<DeviceWrap::open>);
  offer("openClipModel", promising<ClipModelWrap::open>);
  offer("openCaptionModel", promising<CaptionModelWrap::open>);
  offer("featuresFromArray", promising<FeaturesWrap::from_array>);
  offer("openLabelMatrix", promising<LabelMatrixWrap::open>);
  offer("writeLabelMatrix", promising<LabelMatrixWrap::write>);
  offer("joinLabelMatrices", promising<LabelMatrixWrap::join>);
  offer("labelMatrixFromFeatures", promising<LabelMatrixWrap::from_features>);
  offer("topK", promising<LabelMatrixWrap::top_k>);
  return exports;
}

}  // namespace

}  // namespace interrogator::binding

using interrogator::binding::initialize;  // the macro takes no qualified name
NODE_API_MODULE(interrogator, initialize)
