// What the handles of both models have in common: the model, its device, the weights' moves, the end.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "async_call.h"
#include "cancel_token_wrap.h"
#include "device_wrap.h"
#include "handle.h"
#include "model_lease.h"

namespace interrogator::binding {

/// Self derives from it, and names the model in error texts with `kWhat`.
template <class Self, class Model>
class ModelWrap : public Handle<Self> {
 public:
  static constexpr char kDisposal[] = "asyncDispose";

  using Handle<Self>::Handle;
  void adopt(Napi::Env env, std::shared_ptr<Model> model) {
    device_ = model->device();
    lease_ = ModelLease<Model>(environment_of(env), std::move(model));
  }

  /// openClipModel(device, folder, token), openCaptionModel(device, folder, token)
  static Napi::Value open(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    return promised(env, [&] {
      const DevicePtr device = DeviceWrap::device_of(info[0]);
      const auto folder = to_path(info[1], "folder");
      using Shared = std::shared_ptr<Model>;
      return make_call<Shared>(
                 env, CancelTokenWrap::group_of(info[2]), [device, folder](AsyncCall<Shared>&) { return Model::open(device, folder); },
                 [](Napi::Env env, Shared model) { return Self::wrap(env, std::move(model)); })
          ->run_on(env, device);
    });
  }

 protected:
  using Properties = std::vector<Napi::ClassPropertyDescriptor<Self>>;

  /// `own` and those that both have.
  static Properties with_shared_methods(Properties own) {
    own.push_back(Self::InstanceMethod("offload", &Self::offload));
    own.push_back(Self::InstanceMethod("restore", &Self::restore));
    own.push_back(Self::InstanceMethod("close", &Self::close));
    return own;
  }

  /// The model for one call. Throws kDisposed after close().
  std::shared_ptr<Model> share() const { return lease_.share(Self::kWhat); }
  const DevicePtr& device() const noexcept { return device_; }

  Napi::Value offload(const Napi::CallbackInfo& info) {
    return move_weights(info.Env(), [](Model& model) { model.offload(); });
  }
  Napi::Value restore(const Napi::CallbackInfo& info) {
    return move_weights(info.Env(), [](Model& model) { model.restore(); });
  }
  Napi::Value close(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    return promised(env, [&] { return lease_.close(env); });
  }

 private:
  template <class Move>
  Napi::Value move_weights(Napi::Env env, Move move) {
    return promised(env, [&] {
      return make_call<void>(env, nullptr, [model = share(), move](AsyncCall<void>&) { move(*model); }, to_undefined)->run_on(env, device_);
    });
  }

  ModelLease<Model> lease_;
  DevicePtr device_;
};

}  // namespace interrogator::binding
