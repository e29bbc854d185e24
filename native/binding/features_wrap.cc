#include "features_wrap.h"

#include <limits>

#include "async_call.h"
#include "cancel_token_wrap.h"
#include "device_wrap.h"

namespace interrogator::binding {

std::vector<FeaturesWrap::PropertyDescriptor> FeaturesWrap::methods() {
  return {InstanceAccessor<&FeaturesWrap::rows>("rows"), InstanceAccessor<&FeaturesWrap::dim>("dim"),
          InstanceMethod<&FeaturesWrap::similarity>("similarity"), InstanceMethod<&FeaturesWrap::to_array>("toArray"),
          InstanceMethod<&FeaturesWrap::close>("close")};
}

void FeaturesWrap::adopt(Napi::Env env, Features features) {
  rows_ = features.rows();
  dim_ = features.dim();
  features_ = std::move(features);
  stands_for(env, rows_ * dim_ * static_cast<std::int64_t>(sizeof(float)));
}

const Features& FeaturesWrap::open_features() const {
  if (!features_) throw Error(ErrorCode::kDisposed, "these features were closed; compute them again");
  return *features_;
}

const Features& FeaturesWrap::features_of(Napi::Value value, const std::string& argument, const DevicePtr& device) {
  const Features& features = unwrap(value, argument).open_features();
  if (device && features.device() != device) binding::invalid(argument, "belongs to another device; compute it on this one");
  return features;
}

Napi::Value FeaturesWrap::from_array(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    const DevicePtr device = DeviceWrap::device_of(info[0]);
    auto data = std::make_shared<std::vector<float>>(to_floats(info[1], "data"));
    const std::int64_t rows = to_integer(info[2], "rows", 0, kMost);
    const std::int64_t dim = to_integer(info[3], "dim", 1, kMost);
    if (rows * dim != static_cast<std::int64_t>(data->size())) {
      binding::invalid("data", "expected rows * dim = " + std::to_string(rows * dim) + " numbers, got " + std::to_string(data->size()));
    }
    return make_call<Features>(
               env, nullptr, [=](AsyncCall<Features>&) { return Features::from_array(device, *data, rows, dim); },
               [](Napi::Env env, Features features) { return wrap(env, std::move(features)); })
        ->run_on(env, device);
  });
}

Napi::Value FeaturesWrap::rows(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(rows_)); }

Napi::Value FeaturesWrap::dim(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), static_cast<double>(dim_)); }

Napi::Value FeaturesWrap::similarity(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const Features mine = open_features();
    const Features other = features_of(info[0], "other", mine.device());
    return make_call<std::vector<float>>(
               env, CancelTokenWrap::group_of(info[1]), [mine, other](AsyncCall<std::vector<float>>&) { return mine.similarity(other); },
               from_floats)
        ->run_on(env, mine.device());
  });
}

Napi::Value FeaturesWrap::to_array(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const Features mine = open_features();
    return make_call<std::vector<float>>(
               env, CancelTokenWrap::group_of(info[0]), [mine](AsyncCall<std::vector<float>>&) { return mine.to_array(); }, from_floats)
        ->run_on(env, mine.device());
  });
}

void FeaturesWrap::close(const Napi::CallbackInfo& info) {
  features_.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
