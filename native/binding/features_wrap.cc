#include "features_wrap.h"

#include <limits>

#include "async_call.h"
#include "device_wrap.h"

namespace interrogator::binding {

std::vector<FeaturesWrap::PropertyDescriptor> FeaturesWrap::methods() {
  return {promises<&FeaturesWrap::similarity>("similarity"), promises<&FeaturesWrap::to_array>("toArray"),
          InstanceMethod<&FeaturesWrap::close>("close")};
}

void FeaturesWrap::adopt(Napi::Env env, Features features) {
  show("rows", features.rows());
  show("dim", features.dim());
  stands_for(env, features.rows() * features.dim() * static_cast<std::int64_t>(sizeof(float)));
  features_ = std::move(features);
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
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const DevicePtr device = DeviceWrap::device_of(info[0]);
  auto data = std::make_shared<std::vector<float>>(to_floats(info[1], "data"));
  const std::int64_t rows = to_integer(info[2], "rows", 0, kMost);
  const std::int64_t dim = to_integer(info[3], "dim", 1, kMost);
  if (rows * dim != static_cast<std::int64_t>(data->size())) {
    binding::invalid("data", "expected rows * dim = " + std::to_string(rows * dim) + " numbers, got " + std::to_string(data->size()));
  }
  return AsyncCall::create(info.Env())->run_on(device, [=](AsyncCall&) {
    return answer(wrap<Features>, Features::from_array(device, *data, rows, dim));
  });
}

Napi::Value FeaturesWrap::similarity(const Napi::CallbackInfo& info) {
  const Features mine = open_features();
  const Features other = features_of(info[0], "other", mine.device());
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[1]))->run_on(mine.device(), [mine, other](AsyncCall&) {
    return answer(from_floats, mine.similarity(other));
  });
}

Napi::Value FeaturesWrap::to_array(const Napi::CallbackInfo& info) {
  const Features mine = open_features();
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[0]))->run_on(mine.device(), [mine](AsyncCall&) {
    return answer(from_floats, mine.to_array());
  });
}

void FeaturesWrap::close(const Napi::CallbackInfo& info) {
  features_.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
