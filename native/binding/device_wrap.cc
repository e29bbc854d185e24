#include "device_wrap.h"

#include <limits>

#include "async_call.h"

namespace interrogator::binding {

namespace {

constexpr std::int64_t kMostThreads = 1024;
constexpr std::size_t kLongestName = 64;
constexpr std::int64_t kMostJobs = std::numeric_limits<std::int32_t>::max();

}  // namespace

std::vector<DeviceWrap::PropertyDescriptor> DeviceWrap::methods() {
  return {InstanceMethod<&DeviceWrap::stats>("stats"), InstanceMethod<&DeviceWrap::close>("close")};
}

Napi::Value DeviceWrap::open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const std::string name = to_string(info[0], "name");
    if (name.size() > kLongestName) binding::invalid("name", "'cpu', 'cuda' or 'cuda:N'", info[0]);
    const OptionsReader reader(info[1], "options");
    DeviceOptions options;
    options.threads = static_cast<int>(reader.integer("threads", options.threads, 0, kMostThreads));
    options.max_batch = reader.integer("maxBatch", options.max_batch, 1, kMostJobs);
    options.max_queue = reader.integer("maxQueue", options.max_queue, 1, kMostJobs);
    Environment* const environment = &environment_of(env);
    return make_call<DevicePtr>(
               env, nullptr,
               [name, options, environment](AsyncCall<DevicePtr>&) {
                 DevicePtr device = Device::open(name, options);
                 environment->track(device);
                 return device;
               },
               [environment](Napi::Env env, DevicePtr device) {
                 environment->watch_exit(env);
                 return wrap(env, std::move(device));
               })
        ->run_on_file_thread(env);
  });
}

Napi::Value DeviceWrap::stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const DeviceStats stats = device_->stats();
    const auto object = Napi::Object::New(env);
    object.Set("name", stats.name);
    object.Set("threads", stats.threads);
    object.Set("queued", static_cast<double>(stats.queued));
    object.Set("busy", stats.busy);
    object.Set("completed", static_cast<double>(stats.completed));
    object.Set("failed", static_cast<double>(stats.failed));
    object.Set("cancelled", static_cast<double>(stats.cancelled));
    object.Set("refused", static_cast<double>(stats.refused));
    object.Set("slices", static_cast<double>(stats.slices));
    object.Set("busySeconds", stats.busy_seconds);
    object.Set("batches", static_cast<double>(stats.batches));
    object.Set("batched", static_cast<double>(stats.batched));
    object.Set("largestBatch", static_cast<double>(stats.largest_batch));
    object.Set("weightBytes", static_cast<double>(stats.weight_bytes));
    object.Set("allocatedBytes", static_cast<double>(stats.allocated_bytes));
    object.Set("reservedBytes", static_cast<double>(stats.reserved_bytes));
    return object;
  });
}

Napi::Value DeviceWrap::close(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    Environment* const environment = &environment_of(env);
    return make_call<void>(
               env, nullptr, [device = device_](AsyncCall<void>&) { device->close(); },
               [environment](Napi::Env env) {
                 environment->watch_exit(env);
                 return env.Undefined();
               })
        ->run_on_closing_thread(env);
  });
}

}  // namespace interrogator::binding
