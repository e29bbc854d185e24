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
  return {InstanceMethod<&DeviceWrap::stats>("stats"), promises<&DeviceWrap::close>("close")};
}

Napi::Value DeviceWrap::open(const Napi::CallbackInfo& info) {
  const std::string name = to_string(info[0], "name");
  if (name.size() > kLongestName) binding::invalid("name", "'cpu', 'cuda' or 'cuda:N'", info[0]);
  const OptionsReader reader(info[1], "options");
  DeviceOptions options;
  options.threads = static_cast<int>(reader.integer("threads", options.threads, 0, kMostThreads));
  options.max_batch = reader.integer("maxBatch", options.max_batch, 1, kMostJobs);
  options.max_queue = reader.integer("maxQueue", options.max_queue, 1, kMostJobs);
  const Napi::Value products = reader.get("imageProducts");
  if (!products.IsUndefined()) {
    const std::string given = to_string(products, "options.imageProducts");
    if (given != "float32" && given != "bfloat16") binding::invalid("options.imageProducts", "'float32' or 'bfloat16'", products);
    if (given == "bfloat16") options.image_products = Products::kBFloat16;
  }
  Environment& environment = environment_of(info.Env());
  return AsyncCall::create(info.Env())->run_on(environment.file_thread(), [name, options, &environment](AsyncCall&) {
    DevicePtr device = Device::open(name, options);
    environment.track(device);
    return answer(wrap<DevicePtr>, std::move(device));
  });
}

Napi::Value DeviceWrap::stats(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const DeviceStats stats = device_->stats();
    const auto object = Napi::Object::New(env);
    object.Set("name", stats.name);
    object.Set("threads", stats.threads);
    object.Set("queued", stats.queued);
    object.Set("busy", stats.busy);
    object.Set("completed", stats.completed);
    object.Set("failed", stats.failed);
    object.Set("cancelled", stats.cancelled);
    object.Set("refused", stats.refused);
    object.Set("slices", stats.slices);
    object.Set("busySeconds", stats.busy_seconds);
    object.Set("batches", stats.batches);
    object.Set("batched", stats.batched);
    object.Set("largestBatch", stats.largest_batch);
    object.Set("weightBytes", stats.weight_bytes);
    object.Set("allocatedBytes", stats.allocated_bytes);
    object.Set("reservedBytes", stats.reserved_bytes);
    return object;
  });
}

Napi::Value DeviceWrap::close(const Napi::CallbackInfo& info) {
  return AsyncCall::create(info.Env())->run_on(environment_of(info.Env()).closing_thread(), [device = device_](AsyncCall&) {
    device->close();
    return Answer();
  });
}

}  // namespace interrogator::binding
