// One device, one thread that owns it, one bounded queue in front.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "interrogator/cancel.h"
#include "interrogator/job.h"

namespace c10 {
struct Device;
}

namespace interrogator {

/// What the linear layers of image towers multiply on the CPU, with sums in float32. bfloat16 numbers have two to three
/// digits; their products take less time, on processors with AVX512_BF16.
enum class Products { kFloat32, kBFloat16 };

struct DeviceOptions {
  int threads = 0;                               ///< libtorch's intra-op threads; 0: one per physical core
  std::size_t max_batch = 32;                    ///< most images or rankings merged into one pass, >= 1
  std::size_t max_queue = 256;                   ///< most jobs waiting, begun or not; one more is refused with kBusy, >= 1
  Products image_products = Products::kFloat32;  ///< does not count on CUDA; models throw kDevice where the processor lacks it
};

/// Of its jobs since it was opened, and:
struct DeviceStats : JobCounts {
  std::string name;  ///< 'cpu' or 'cuda:0'
  int threads = 0;
  std::uint64_t weight_bytes = 0;  ///< of the models that are open on it, wherever their weights are now
  /// Of libtorch's allocator on a CUDA device, by all that use it in this process; 0 on the CPU, where libtorch does not count.
  std::uint64_t allocated_bytes = 0, reserved_bytes = 0;
};

class Device {
 public:
  /// name: 'cpu', 'cuda' (= 'cuda:0') or 'cuda:N'. Throws kDevice, kInvalidArgument.
  static std::shared_ptr<Device> open(const std::string& name, const DeviceOptions& options = {});
  ~Device();  // closes

  using Done = std::function<void(std::exception_ptr)>;  ///< null: the job ended well

  /// Queues a job for the device thread. `done` is called exactly once, after the job and what it
  /// held are destroyed: on the device thread, or for a job that no slice runs for on the thread that
  /// swept it out or closed the device. When submit throws (kBusy, kDisposed) it is not called. A job
  /// whose token is cancelled before it starts is settled with kAborted without running. Other jobs have
  /// their turns between its slices: the one that got least of the device's time is next. The token is read before each.
  void submit(JobPtr job, Done done, CancelTokenPtr token = nullptr);

  /// Settles jobs whose token is cancelled now, without waiting for the running slice; its own settle after it.
  void sweep_cancelled();

  DeviceStats stats() const;
  /// For models: what one holds from now on, negative when it lets go of it. Any thread.
  void count_weights(std::int64_t bytes) noexcept;
  const DeviceOptions& options() const noexcept;
  const c10::Device& torch_device() const noexcept;

  /// Ends all jobs with kDisposed, the one that runs at the end of its slice, and joins the thread. Idempotent,
  /// from any thread; from a job on the device thread it does not wait. A device that a job of its own
  /// is the last to hold may be destroyed there: the thread then ends by itself.
  void close();

 private:
  struct State;
  explicit Device(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

using DevicePtr = std::shared_ptr<Device>;

}  // namespace interrogator
