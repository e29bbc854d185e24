// What the handles of both models have in common: the model, its device, the weights' moves, the end.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "async_call.h"
#include "bundle_source.h"
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

  /// openClipModel(device, source, token), openCaptionModel(device, source, token)
  static Napi::Value open(const Napi::CallbackInfo& info) {
    const DevicePtr device = DeviceWrap::device_of(info[0]);
    const BundleSource source = to_bundle_source(info[1], "source");
    return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[2]))->run_on(device, [device, source](AsyncCall& call) {
      return answer(Self::template wrap<std::shared_ptr<Model>>, Model::open(device, source, call.token()));
    });
  }

 protected:
  using Properties = std::vector<Napi::ClassPropertyDescriptor<Self>>;

  /// `own` and those that both have.
  static Properties with_shared_methods(Properties own) {
    own.push_back(Self::template promises<&ModelWrap::offload>("offload"));
    own.push_back(Self::template promises<&ModelWrap::restore>("restore"));
    own.push_back(Self::template promises<&Self::close>("close"));
    return own;
  }

  /// The model for one call. Throws kDisposed after close().
  std::shared_ptr<Model> share() const { return lease_.share(Self::kWhat); }
  const DevicePtr& device() const noexcept { return device_; }

  Napi::Value offload(const Napi::CallbackInfo& info) { return move_weights(info.Env(), &Model::offload); }
  Napi::Value restore(const Napi::CallbackInfo& info) { return move_weights(info.Env(), &Model::restore); }
  Napi::Value close(const Napi::CallbackInfo& info) { return lease_.close(info.Env()); }

 private:
  Napi::Value move_weights(Napi::Env env, void (Model::*move)()) {
    return AsyncCall::create(env)->run_on(device_, [model = share(), move](AsyncCall&) {
      (*model.*move)();
      return Answer();
    });
  }

  ModelLease<Model> lease_;
  DevicePtr device_;
};

}  // namespace interrogator::binding
