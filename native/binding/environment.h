// One JavaScript environment's share of the addon: main thread and each worker_thread have their own.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "background_thread.h"
#include "interrogator/cancel.h"
#include "interrogator/device.h"

namespace interrogator::binding {

/// A call whose promise is not settled yet.
class PendingCall {
 public:
  virtual ~PendingCall() = default;
  /// Releases what belongs to JavaScript; the promise will never settle. On the JS thread.
  virtual void abandon() = 0;
  /// Asks the work to stop. It settles when the device notices.
  void cancel() { token->cancel(); }

  const CancelTokenPtr token = std::make_shared<CancelToken>();
  DevicePtr device;  ///< where it runs; null for files
};

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// What another thread wants done on the JS thread.
  using Message = std::function<void(Napi::Env)>;

  /// Lives until the environment ends; closes itself then.
  static std::shared_ptr<Environment> create(Napi::Env env);
  ~Environment();

  /// Any thread. Messages run in the order of posting; after close() they are dropped.
  void post(Message message);

  /// A call starts or has settled: while any is pending the process stays alive. JS thread.
  void begin(Napi::Env env, PendingCall& call);
  void end(Napi::Env env, PendingCall& call);

  /// close() will close this device. Any thread.
  void track(const DevicePtr& device);
  /// While a device is open, close() runs before the process exits. Call it after opening and closing one. JS thread.
  void watch_exit(Napi::Env env);

  /// Runs the task off the JS thread: files and opening on one thread, what waits for jobs to end on another.
  /// Both return false once closed and leave the task where it is.
  bool on_file_thread(BackgroundThread::Task& task) { return files_.post(task); }
  bool on_closing_thread(BackgroundThread::Task& task) { return closings_.post(task); }

  /// Cancels every call, waits for what runs, closes the devices. Nothing settles any more. Idempotent. JS thread.
  void close();
  bool closed() const;

 private:
  static void drain(Napi::Env env, Napi::Function, Environment* self, void*);
  using Wakeup = Napi::TypedThreadSafeFunction<Environment, void, drain>;

  Environment() = default;
  bool has_open_device();

  mutable std::mutex mutex_;  // guards the four below
  std::vector<Message> mailbox_;
  std::vector<std::weak_ptr<Device>> devices_;
  bool closed_ = false;
  Wakeup wakeup_;

  std::unordered_set<PendingCall*> pending_;  // JS thread only
  Napi::FunctionReference exit_listener_;     // empty: not listening
  BackgroundThread files_, closings_;
};

/// Shares `owned` such that it is freed on a thread of the environment's, whoever lets go of it last: much memory takes long.
template <class T>
std::shared_ptr<T> freed_elsewhere(Environment& environment, std::shared_ptr<T> owned) {
  auto* const plain = owned.get();
  return std::shared_ptr<T>(plain, [environment = environment.shared_from_this(), owned = std::move(owned)](auto*) mutable {
    BackgroundThread::Task task = [owned = std::move(owned)]() mutable { owned.reset(); };
    environment->on_closing_thread(task);  // or here, where there is no such thread any more
  });
}

}  // namespace interrogator::binding
