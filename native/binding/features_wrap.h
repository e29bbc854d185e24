// NativeFeatures: feature vectors that stay on their device.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handle.h"
#include "interrogator/features.h"

namespace interrogator::binding {

class FeaturesWrap : public Handle<FeaturesWrap> {
 public:
  static constexpr char kName[] = "Features";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env env, Features features);
  void Finalize(Napi::BasicEnv env) override;

  /// Throws kInvalidArgument where it is no Features, or one of another device than `device` (null: any).
  static const Features& features_of(Napi::Value value, const std::string& argument, const DevicePtr& device = nullptr);

  /// featuresFromArray(device, data, rows, dim)
  static Napi::Value from_array(const Napi::CallbackInfo& info);

 private:
  Napi::Value rows(const Napi::CallbackInfo& info);
  Napi::Value dim(const Napi::CallbackInfo& info);
  Napi::Value similarity(const Napi::CallbackInfo& info);
  Napi::Value to_array(const Napi::CallbackInfo& info);

  std::int64_t bytes() const noexcept;

  std::optional<Features> features_;
};

}  // namespace interrogator::binding
