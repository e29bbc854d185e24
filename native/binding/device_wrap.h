// NativeDevice: a device with its thread and queue.
#pragma once

#include <vector>

#include "handle.h"
#include "interrogator/device.h"

namespace interrogator::binding {

class DeviceWrap : public Handle<DeviceWrap> {
 public:
  static constexpr char kName[] = "Device";
  static constexpr char kDisposal[] = "asyncDispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env, DevicePtr device) { device_ = std::move(device); }

  static const DevicePtr& device_of(Napi::Value value) { return unwrap(value, "device").device_; }

  /// openDevice(name, {threads, maxBatch, maxQueue})
  static Napi::Value open(const Napi::CallbackInfo& info);

 private:
  Napi::Value stats(const Napi::CallbackInfo& info);
  Napi::Value close(const Napi::CallbackInfo& info);

  DevicePtr device_;
};

}  // namespace interrogator::binding
