// One JavaScript environment's share of the addon: main thread and each worker_thread have their own.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "background_thread.h"
#include "interrogator/device.h"

namespace interrogator::binding {

class AsyncCall;

class Environment : public std::enable_shared_from_this<Environment> {
 public:
  /// What another thread wants done on the JS thread.
  using Message = std::function<void(Napi::Env)>;

  /// Lives until the environment ends; closes itself then.
  static std::shared_ptr<Environment> create(Napi::Env env);

  /// Any thread. Messages run in the order of posting; after close() they are dropped.
  void post(Message message);

  /// A call starts or has settled: while any is pending the process stays alive. JS thread.
  void begin(Napi::Env env, AsyncCall& call);
  void end(Napi::Env env, AsyncCall& call);

  /// close() will close this device. Any thread.
  void track(const DevicePtr& device);

  /// For files and opening.
  BackgroundThread& file_thread() noexcept { return files_; }
  /// For what waits for jobs to end, and for freeing much memory.
  BackgroundThread& closing_thread() noexcept { return closings_; }

  /// Cancels every call, waits for what runs, closes the devices. Nothing settles any more. Idempotent. JS thread.
  void close();
  bool closed() const;

 private:
  static void drain(Napi::Env env, Napi::Function, Environment* self, void*);
  using Wakeup = Napi::TypedThreadSafeFunction<Environment, void, drain>;

  Environment() = default;

  mutable std::mutex mutex_;  // guards the four below
  std::vector<Message> mailbox_;
  std::vector<std::weak_ptr<Device>> devices_;
  bool closed_ = false;
  Wakeup wakeup_;

  std::unordered_set<AsyncCall*> pending_;  // JS thread only
  BackgroundThread files_, closings_;
};

/// Shares `owned` such that it is freed on a thread of the environment's, whoever lets go of it last: much memory takes long.
template <class T>
std::shared_ptr<T> freed_elsewhere(Environment& environment, std::shared_ptr<T> owned) {
  auto* const plain = owned.get();
  return std::shared_ptr<T>(plain, [environment = environment.shared_from_this(), owned = std::move(owned)](auto*) mutable {
    environment->closing_thread().post([owned = std::move(owned)] {});  // or here, where there is no such thread any more
  });
}

}  // namespace interrogator::binding
