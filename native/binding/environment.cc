#include "environment.h"

#include <algorithm>
#include <utility>

namespace interrogator::binding {

std::shared_ptr<Environment> Environment::create(Napi::Env env) {
  const std::shared_ptr<Environment> self(new Environment());
  self->wakeup_ = Wakeup::New(env, "torch-interrogator", 0, 1, self.get());
  self->wakeup_.Unref(env);
  // Hooks run in reverse order, so this one comes before the thread-safe function's own and finds it alive.
  env.AddCleanupHook([self] { self->close(); });
  return self;
}

Environment::~Environment() = default;

void Environment::post(Message message) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  mailbox_.push_back(std::move(message));
  // One wake-up empties the whole mailbox.
  if (mailbox_.size() == 1) wakeup_.NonBlockingCall();
}

void Environment::drain(Napi::Env env, Napi::Function, Environment* self, void*) {
  // Without an environment the function is being freed, and close() has emptied the mailbox.
  if (static_cast<napi_env>(env) == nullptr) return;
  std::vector<Message> messages;
  {
    const std::lock_guard lock(self->mutex_);
    messages.swap(self->mailbox_);
  }
  for (Message& message : messages) {
    const Napi::HandleScope scope(env);
    try {
      message(env);
    } catch (const Napi::Error&) {
      // A worker_thread being terminated refuses to run JavaScript; close() follows.
    }
  }
}

void Environment::begin(Napi::Env env, PendingCall& call) {
  pending_.insert(&call);
  if (pending_.size() == 1) wakeup_.Ref(env);
}

void Environment::end(Napi::Env env, PendingCall& call) {
  if (pending_.erase(&call) > 0 && pending_.empty()) wakeup_.Unref(env);
}

void Environment::track(const DevicePtr& device) {
  const std::lock_guard lock(mutex_);
  std::erase_if(devices_, [](const std::weak_ptr<Device>& each) { return each.expired(); });
  devices_.push_back(device);
}

bool Environment::has_open_device() {
  const std::lock_guard lock(mutex_);
  return std::any_of(devices_.begin(), devices_.end(), [](const std::weak_ptr<Device>& each) {
    const DevicePtr device = each.lock();
    return device && !device->closed();
  });
}

void Environment::watch_exit(Napi::Env env) {
  const bool wanted = has_open_device();
  if (wanted != exit_listener_.IsEmpty()) return;
  // process.exit() on the main thread runs no cleanup hook: it goes straight to C's exit(), which would destroy
  // libtorch's statics under a running job.
  const auto process = env.Global().Get("process").As<Napi::Object>();
  if (wanted) {
    const auto on_exit = [](const Napi::CallbackInfo& info) { static_cast<Environment*>(info.Data())->close(); };
    exit_listener_ = Napi::Persistent(Napi::Function::New(env, on_exit, "closeTorchInterrogator", this));
  }
  const auto change = process.Get(wanted ? "on" : "removeListener").As<Napi::Function>();
  change.Call(process, {Napi::String::New(env, "exit"), exit_listener_.Value()});
  if (!wanted) exit_listener_.Reset();
}

bool Environment::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

void Environment::close() {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
  }
  for (PendingCall* const call : pending_) {
    call->cancel();
    call->abandon();
  }
  pending_.clear();
  // Opens may add devices until this thread has ended.
  files_.close();
  for (const std::weak_ptr<Device>& each : std::exchange(devices_, {})) {
    if (const DevicePtr device = each.lock()) device->close();
  }
  closings_.close();
  // No thread of ours is left that could post or call the function.
  std::exchange(mailbox_, {}).clear();
  exit_listener_.Reset();
  wakeup_.Abort();
}

}  // namespace interrogator::binding
