#include "environment.h"

#include <utility>

#include "async_call.h"

namespace interrogator::binding {

std::shared_ptr<Environment> Environment::create(Napi::Env env) {
  const std::shared_ptr<Environment> self(new Environment());
  self->wakeup_ = Wakeup::New(env, "torch-interrogator", 0, 1, self.get());
  self->wakeup_.Unref(env);
  // Hooks run in reverse order, so this one comes before the thread-safe function's own and finds it alive.
  env.AddCleanupHook([self] { self->close(); });
  // process.exit() on the main thread runs no cleanup hook: it goes straight to C's exit(), which would destroy
  // libtorch's statics under a running job.
  const auto on_exit = Napi::Function::New(env, [self](const Napi::CallbackInfo&) { self->close(); }, "closeTorchInterrogator");
  const auto process = env.Global().Get("process").As<Napi::Object>();
  process.Get("on").As<Napi::Function>().Call(process, {Napi::String::New(env, "exit"), on_exit});
  return self;
}

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

void Environment::begin(Napi::Env env, AsyncCall& call) {
  pending_.insert(&call);
  if (pending_.size() == 1) wakeup_.Ref(env);
}

void Environment::end(Napi::Env env, AsyncCall& call) {
  if (pending_.erase(&call) > 0 && pending_.empty()) wakeup_.Unref(env);
}

void Environment::track(const DevicePtr& device) {
  const std::lock_guard lock(mutex_);
  std::erase_if(devices_, [](const std::weak_ptr<Device>& each) { return each.expired(); });
  devices_.push_back(device);
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
  for (AsyncCall* const call : pending_) {
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
  wakeup_.Abort();
}

}  // namespace interrogator::binding
