// The one way from a method to a promise: inputs are copied on the JS thread, the work runs elsewhere, the promise
// settles once, on the JS thread.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "cancel_group.h"
#include "convert.h"
#include "environment.h"
#include "handle.h"
#include "interrogator/sliced.h"

namespace interrogator::binding {

/// A promise that is rejected already: what promise-returning methods give back instead of throwing.
inline Napi::Value rejected(Napi::Env env, Napi::Value reason) {
  const auto deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(reason);
  return deferred.Promise();
}

/// The body of a promise-returning method: what it throws becomes a rejection.
template <class Body>
Napi::Value promised(Napi::Env env, const Body& body) {
  try {
    return body();
  } catch (const Napi::Error& error) {
    return rejected(env, error.Value());
  } catch (...) {
    return rejected(env, to_js_error(env, std::current_exception()));
  }
}

/// One call. Result: what the work returns, void allowed.
template <class Result>
class AsyncCall final : public PendingCall, public std::enable_shared_from_this<AsyncCall<Result>> {
 public:
  using Stored = std::conditional_t<std::is_void_v<Result>, std::monostate, Result>;
  using Work = std::function<Result(AsyncCall&)>;
  using Convert =
      std::conditional_t<std::is_void_v<Result>, std::function<Napi::Value(Napi::Env)>, std::function<Napi::Value(Napi::Env, Stored)>>;

  /// group: what can cancel it, or null.
  AsyncCall(Napi::Env env, std::shared_ptr<CancelGroup> group, Work work, Convert convert)
      : environment_(env.GetInstanceData<InstanceData>()->environment),
        deferred_(Napi::Promise::Deferred::New(env)),
        group_(std::move(group)),
        work_(std::move(work)),
        convert_(std::move(convert)) {}

  void reports_to(Napi::Function on_progress) { on_progress_ = Napi::Persistent(on_progress); }

  /// On the device's thread, as a job of its queue.
  Napi::Value run_on(Napi::Env env, DevicePtr on) {
    device = std::move(on);
    return start(env, [this](const std::shared_ptr<AsyncCall>& self) {
      device->submit([self] { self->work(); }, [self](std::exception_ptr error) { self->finish(std::move(error)); }, token);
    });
  }

  /// On the device's thread, a slice at a time; `begin` is called there, once, and kept to the end: it
  /// holds what the computation refers to.
  Napi::Value run_in_slices_on(Napi::Env env, DevicePtr on, std::function<SlicedPtr<Result>(AsyncCall&)> begin) {
    struct Course {
      std::function<SlicedPtr<Result>(AsyncCall&)> begin;
      SlicedPtr<Result> computation;
    };
    device = std::move(on);
    return start(env, [&](const std::shared_ptr<AsyncCall>& self) {
      const auto course = std::make_shared<Course>(Course{std::move(begin), nullptr});
      const auto slice = [self, course] {
        if (!course->computation) course->computation = course->begin(*self);
        if (!course->computation->advance()) return false;
        self->deliver(course->computation->take());
        return true;
      };
      device->submit_slices(slice, [self, course](std::exception_ptr error) { self->finish(std::move(error)); }, token);
    });
  }

  /// On the device's thread, as a job that may merge with others: `submit(take, done, token)` queues it. `held` is let go after the
  /// answer is on its way, so that what waits for it to be free hears of that later.
  template <class Submit>
  Napi::Value merge_on(Napi::Env env, DevicePtr on, std::shared_ptr<const void> held, const Submit& submit) {
    device = std::move(on);
    return start(env, [&](const std::shared_ptr<AsyncCall>& self) {
      submit([self](Result result) { self->deliver(std::move(result)); },
             [self, held](std::exception_ptr error) { self->finish(std::move(error)); }, token);
    });
  }

  /// On a thread of ours, for what computes nothing: files, opening.
  Napi::Value run_on_file_thread(Napi::Env env) {
    return start(env, [this](const std::shared_ptr<AsyncCall>& self) {
      BackgroundThread::Task task = [self] { self->run_here(); };
      if (!environment_->on_file_thread(task)) closing();
    });
  }

  /// On a thread of ours, for what waits until others are done.
  Napi::Value run_on_closing_thread(Napi::Env env) {
    return start(env, [this](const std::shared_ptr<AsyncCall>& self) {
      BackgroundThread::Task task = [self] { self->run_here(); };
      if (!environment_->on_closing_thread(task)) closing();
    });
  }

  /// Started elsewhere: `starter` sees to it that finish() is called once.
  template <class Starter>
  Napi::Value start(Napi::Env env, const Starter& starter) {
    const std::shared_ptr<AsyncCall> self = this->shared_from_this();
    try {
      if (environment_->closed()) closing();
      if (group_ && group_->cancelled()) throw Error(ErrorCode::kAborted, "cancelled before it started");
      starter(self);
    } catch (...) {
      deferred_.Reject(to_js_error(env, std::current_exception()));
      abandon();
      return deferred_.Promise();
    }
    // Only now: a call that was refused is nobody's. It can't have settled yet, for that needs this thread.
    environment_->begin(env, *this);
    if (group_) group_->add(*this);
    return deferred_.Promise();
  }

  /// The result, before finish(). Any thread, once.
  void deliver(Stored result) { result_.emplace(std::move(result)); }

  /// Any thread, once.
  void finish(std::exception_ptr error) {
    const Work done = std::exchange(work_, nullptr);  // with what it holds, until the answer is on its way
    error_ = std::move(error);
    environment_->post([self = this->shared_from_this()](Napi::Env env) { self->settle(env); });
  }

  /// onProgress(done, total) on the JS thread. Any thread; the work's own.
  void report(std::size_t done, std::size_t total) {
    environment_->post([self = this->shared_from_this(), done, total](Napi::Env env) { self->tell(env, done, total); });
  }

  void abandon() override {
    settled_ = true;
    on_progress_.Reset();
    thrown_.Reset();
    if (group_) group_->remove(*this);
    group_.reset();
  }

 private:
  [[noreturn]] static void closing() { throw Error(ErrorCode::kDisposed, "the process or worker thread is ending; nothing new starts"); }

  void work() {
    if constexpr (std::is_void_v<Result>) {
      work_(*this);
    } else {
      result_.emplace(work_(*this));
    }
  }

  void run_here() {
    std::exception_ptr error;
    try {
      token->check();
      work();
    } catch (...) {
      error = std::make_exception_ptr(current_error());
    }
    finish(std::move(error));
  }

  void settle(Napi::Env env) {
    if (settled_) return;
    const std::shared_ptr<AsyncCall> keep = this->shared_from_this();
    environment_->end(env, *this);
    Napi::Value thrown;
    if (!thrown_.IsEmpty()) thrown = thrown_.Value().Get("error");
    abandon();
    if (!thrown.IsEmpty()) return deferred_.Reject(thrown);
    if (error_) return deferred_.Reject(to_js_error(env, error_));
    try {
      if constexpr (std::is_void_v<Result>) {
        deferred_.Resolve(convert_(env));
      } else {
        deferred_.Resolve(convert_(env, std::move(*result_)));
      }
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    } catch (...) {
      deferred_.Reject(to_js_error(env, std::current_exception()));
    }
  }

  void tell(Napi::Env env, std::size_t done, std::size_t total) {
    if (settled_ || on_progress_.IsEmpty()) return;
    try {
      on_progress_.Call({Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
    } catch (const Napi::Error& error) {
      if (settled_) return;
      // A throwing callback ends its own call, with what it threw. In an object, because anything can be thrown.
      on_progress_.Reset();
      const auto holder = Napi::Object::New(env);
      holder.Set("error", error.Value());
      thrown_ = Napi::Persistent(holder);
      cancel();
      if (device) device->sweep_cancelled();
    }
  }

  const std::shared_ptr<Environment> environment_;
  const Napi::Promise::Deferred deferred_;
  std::shared_ptr<CancelGroup> group_;
  Napi::FunctionReference on_progress_;
  Napi::ObjectReference thrown_;
  bool settled_ = false;  // or abandoned; JS thread only

  Work work_;  // written before the start, dropped where it ran
  const Convert convert_;
  std::optional<Stored> result_;  // the working thread's until finish() posts
  std::exception_ptr error_;
};

inline Napi::Value to_undefined(Napi::Env env) { return env.Undefined(); }

/// Call it with everything parsed: a call that is made and not started never settles.
template <class Result, class Work, class Convert>
std::shared_ptr<AsyncCall<Result>> make_call(Napi::Env env, std::shared_ptr<CancelGroup> group, Work work, Convert convert) {
  return std::make_shared<AsyncCall<Result>>(env, std::move(group), std::move(work), std::move(convert));
}

/// The same for what runs in slices or merges: it brings its work when it starts.
template <class Result, class Convert>
std::shared_ptr<AsyncCall<Result>> make_call(Napi::Env env, std::shared_ptr<CancelGroup> group, Convert convert) {
  return std::make_shared<AsyncCall<Result>>(env, std::move(group), nullptr, std::move(convert));
}

}  // namespace interrogator::binding
