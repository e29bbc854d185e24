#include "interrogator/device.h"

#include <ATen/Parallel.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Device.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "device/cuda_library.h"
#include "device/transfer.h"
#include "interrogator/error.h"
#include "platform/cpu_count.h"
#include "platform/memory.h"
#include "platform/spread_threads.h"
#include "queue/job_queue.h"

namespace interrogator {

namespace {

constexpr char kNames[] = "use 'cpu', 'cuda' or 'cuda:N'";

[[noreturn]] void no_such_device(const std::string& name, const std::string& why) {
  throw Error(ErrorCode::kDevice, "no device '" + name + "': " + why);
}

c10::Device parse_device(const std::string& name) {
  c10::Device device(c10::kCPU);
  try {
    device = c10::Device(name);
  } catch (const std::exception&) {
    no_such_device(name, kNames);
  }
  if (name == "cpu") return device;
  // A number that libtorch's own type does not hold comes back as another.
  if (!device.is_cuda() || device.str() != name) no_such_device(name, kNames);

  const int index = std::max<int>(device.index(), 0);
  const CudaSupport cuda = cuda_support();
  if (cuda.devices == 0) no_such_device(name, cuda.missing + "; available: 'cpu'");
  if (index >= cuda.devices) {
    std::string available = "available: 'cpu'";
    for (int i = 0; i < cuda.devices; ++i) available += ", 'cuda:" + std::to_string(i) + "'";
    no_such_device(name, available);
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

/// With OpenMP the count belongs to the calling thread, but a thread's first parallel region takes
/// the process's over it: that first look happens here, before the count is set. MKL's own count and
/// libtorch's native backend know one number a process, so of several devices the last opened wins.
void set_threads(int threads) {
  at::get_num_threads();
  at::set_num_threads(threads);
}

}  // namespace

struct Device::State {
  State(c10::Device opened, const DeviceOptions& given)
      : device(opened),
        name(opened.str()),
        options(given),
        threads(given.threads > 0 ? given.threads : usable_physical_cores()),
        queue("device '" + name + "'", {.max_waiting = given.max_queue,
                                        .prepare =
                                            [count = threads, opened] {
                                              set_threads(count);
                                              use_own_stream(opened);
                                            },
                                        .surround = [opened](const JobQueue::Work& slice) { on_device(opened, slice); },
                                        .wake = opened.is_cpu() ? JobQueue::Work(spread_threads) : nullptr,
                                        .rest = release_freed_memory}) {}

  static void on_device(c10::Device device, const JobQueue::Work& slice) {
    try {
      const c10::InferenceMode inference;
      const c10::DeviceGuard current(device);
      slice();
      trim_now_and_then();
    } catch (...) {
      throw current_error();
    }
  }

  const c10::Device device;
  const std::string name;
  const DeviceOptions options;
  const int threads;
  std::atomic<std::int64_t> weight_bytes{0};
  JobQueue queue;
};

Device::Device(std::unique_ptr<State> state) : state_(std::move(state)) {}

Device::~Device() = default;

std::shared_ptr<Device> Device::open(const std::string& name, const DeviceOptions& options) {
  keep_cuda_possible();
  take_over_large_tensors();
  const c10::Device device = parse_device(name);
  // cuDNN's attention makes a plan for each shape that it meets, and prompts and captions grow by a token a step.
  if (device.is_cuda()) at::globalContext().setSDPUseCuDNN(false);
  try {
    return std::shared_ptr<Device>(new Device(std::make_unique<State>(device, options)));
  } catch (...) {
    throw current_error();
  }
}

void Device::submit(JobPtr job, Done done, CancelTokenPtr token) {
  state_->queue.submit(std::move(job), std::move(done), std::move(token));
}

void Device::sweep_cancelled() { state_->queue.sweep_cancelled(); }

DeviceStats Device::stats() const {
  DeviceStats stats{state_->queue.counts(), state_->name, state_->threads, static_cast<std::uint64_t>(state_->weight_bytes.load())};
  if (!state_->device.is_cpu()) {
    const auto memory = at::getDeviceAllocator(state_->device.type())->getDeviceStats(state_->device.index());
    stats.allocated_bytes = static_cast<std::uint64_t>(memory.allocated_bytes[0].current);  // 0: of all pools
    stats.reserved_bytes = static_cast<std::uint64_t>(memory.reserved_bytes[0].current);
  }
  return stats;
}

void Device::count_weights(std::int64_t bytes) noexcept { state_->weight_bytes += bytes; }

const DeviceOptions& Device::options() const noexcept { return state_->options; }
const c10::Device& Device::torch_device() const noexcept { return state_->device; }
void Device::close() { state_->queue.close(); }

}  // namespace interrogator
