#include "async_call.h"

#include "convert.h"
#include "handle.h"

namespace interrogator::binding {

namespace {

[[noreturn]] void closing() { throw Error(ErrorCode::kDisposed, "the process or worker thread is ending; nothing new starts"); }

}  // namespace

AsyncCall::AsyncCall(Napi::Env env, std::shared_ptr<CancelGroup> group)
    : environment_(environment_of(env).shared_from_this()), deferred_(Napi::Promise::Deferred::New(env)), group_(std::move(group)) {}

Napi::Value AsyncCall::run_on(DevicePtr device, Work work) {
  const auto kept = std::make_shared<const Work>(std::move(work));
  return run_on(std::move(device), kept, [&](const std::shared_ptr<AsyncCall>& self) {
    return sliced_job([self, work = kept.get()] {
      self->answer_ = (*work)(*self);
      return true;
    });
  });
}

Napi::Value AsyncCall::run_on(DevicePtr device, std::shared_ptr<const void> held,
                              const std::function<JobPtr(const std::shared_ptr<AsyncCall>&)>& make_job) {
  device_ = std::move(device);
  return start([&](const std::shared_ptr<AsyncCall>& self) {
    device_->submit(make_job(self), [self, held](std::exception_ptr error) { self->finish(std::move(error)); }, token_);
  });
}

Napi::Value AsyncCall::run_on(BackgroundThread& thread, Work work) {
  return start([&](const std::shared_ptr<AsyncCall>& self) {
    const bool taken = thread.post([self, work = std::move(work)] {
      std::exception_ptr error;
      try {
        self->token_->check();
        self->answer_ = work(*self);
      } catch (...) {
        error = std::make_exception_ptr(current_error());
      }
      self->finish(std::move(error));
    });
    if (!taken) closing();
  });
}

Napi::Value AsyncCall::start(const std::function<void(const std::shared_ptr<AsyncCall>&)>& starter) {
  const Napi::Env env = deferred_.Env();
  const std::shared_ptr<AsyncCall> self = shared_from_this();
  try {
    if (environment_->closed()) closing();
    if (group_ && group_->cancelled()) throw Error(ErrorCode::kAborted, "cancelled before it started");
    starter(self);
  } catch (...) {
    deferred_.Reject(caught(env));
    abandon();
    return deferred_.Promise();
  }
  // Only now: a call that was refused is nobody's. It can't have settled yet, for that needs this thread.
  environment_->begin(env, *this);
  if (group_) group_->add(*this);
  return deferred_.Promise();
}

void AsyncCall::finish(std::exception_ptr error) {
  environment_->post([self = shared_from_this(), error = std::move(error)](Napi::Env env) {
    self->settle(env, [&]() -> Napi::Value {
      if (error) std::rethrow_exception(error);
      return self->answer_ ? self->answer_(env) : env.Undefined();
    });
  });
}

void AsyncCall::report(std::size_t done, std::size_t total) {
  environment_->post([self = shared_from_this(), done, total](Napi::Env env) { self->tell(env, done, total); });
}

void AsyncCall::abandon() {
  settled_ = true;
  on_progress_.Reset();
  if (group_) group_->remove(*this);
  group_.reset();
}

void AsyncCall::settle(Napi::Env env, const std::function<Napi::Value()>& result) {
  if (settled_) return;
  environment_->end(env, *this);
  abandon();
  try {
    deferred_.Resolve(result());
  } catch (...) {
    deferred_.Reject(caught(env));
  }
}

void AsyncCall::tell(Napi::Env env, std::size_t done, std::size_t total) {
  if (settled_) return;
  try {
    on_progress_.Call({Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
  } catch (...) {
    // A throwing callback ends its own call, with what it threw.
    settle(env, []() -> Napi::Value { throw; });
    cancel();
    device_->sweep_cancelled();
  }
}

}  // namespace interrogator::binding
