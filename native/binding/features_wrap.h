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
  static constexpr char kDisposal[] = "dispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env env, Features features);

  /// Throws kInvalidArgument where it is no Features, or one of another device than `device` (null: any); kDisposed where it was closed.
  static const Features& features_of(Napi::Value value, const std::string& argument, const DevicePtr& device = nullptr);

  /// featuresFromArray(device, data, rows, dim)
  static Napi::Value from_array(const Napi::CallbackInfo& info);

 private:
  Napi::Value similarity(const Napi::CallbackInfo& info);
  Napi::Value to_array(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  /// Throws kDisposed after close().
  const Features& open_features() const;

  std::optional<Features> features_;  // empty once closed
};

}  // namespace interrogator::binding
