// The one way from a method to a promise: inputs are copied on the JS thread, the work runs elsewhere, the promise
// settles once, on the JS thread.
#pragma once

#include <napi.h>

#include <exception>
#include <functional>
#include <memory>
#include <utility>

#include "cancel_token_wrap.h"
#include "environment.h"
#include "interrogator/job.h"
#include "interrogator/sliced.h"

namespace interrogator::binding {

/// Makes what a call gives back, on the JS thread. Without one it is undefined.
using Answer = std::function<Napi::Value(Napi::Env)>;

/// convert(env, result), later.
template <class Convert, class Result>
Answer answer(Convert convert, Result result) {
  return [convert = std::move(convert), result = std::move(result)](Napi::Env env) mutable { return convert(env, std::move(result)); };
}

/// One call.
class AsyncCall final : public std::enable_shared_from_this<AsyncCall> {
 public:
  using Work = std::function<Answer(AsyncCall&)>;

  /// group: what can cancel it, or null. With everything parsed: a call that is made and not started never settles.
  static std::shared_ptr<AsyncCall> create(Napi::Env env, std::shared_ptr<CancelGroup> group = nullptr) {
    return std::shared_ptr<AsyncCall>(new AsyncCall(env, std::move(group)));
  }

  void reports_to(Napi::Function on_progress) { on_progress_ = Napi::Persistent(on_progress); }

  /// On the device's thread, as a job of its queue.
  Napi::Value run_on(DevicePtr device, Work work);

  /// On the device's thread, a slice at a time; `begin(call)` is called there, once, and kept to the end: it holds what the computation
  /// refers to.
  template <class Begin, class Convert>
  Napi::Value run_in_slices_on(DevicePtr device, Begin begin, Convert convert) {
    struct Course {
      Begin begin;
      decltype(begin(std::declval<AsyncCall&>())) computation;
    };
    const auto course = std::make_shared<Course>(Course{std::move(begin), nullptr});
    return run_on(std::move(device), course, [&](const std::shared_ptr<AsyncCall>& self) {
      return sliced_job([self, course = course.get(), convert] {
        if (!course->computation) course->computation = course->begin(*self);
        if (!course->computation->advance()) return false;
        self->answer_ = answer(convert, course->computation->take());
        return true;
      });
    });
  }

  /// On the device's thread, as the job that `make(take)` gives, which may merge with others. `held` is let go after the answer is on its
  /// way, so that what waits for it to be free hears of that later.
  template <class Result, class Convert, class Make>
  Napi::Value merge_on(DevicePtr device, std::shared_ptr<const void> held, Convert convert, const Make& make) {
    return run_on(std::move(device), std::move(held), [&](const std::shared_ptr<AsyncCall>& self) {
      return make([self, convert](Result result) { self->answer_ = answer(convert, std::move(result)); });
    });
  }

  /// On a thread of the environment's, for what computes nothing.
  Napi::Value run_on(BackgroundThread& thread, Work work);

  /// Started elsewhere: `starter(call)` sees to it that finish() is called once.
  Napi::Value start(const std::function<void(const std::shared_ptr<AsyncCall>&)>& starter);

  /// Any thread, once.
  void finish(std::exception_ptr error);
  /// onProgress(done, total) on the JS thread. Any thread; the work's own.
  void report(std::size_t done, std::size_t total);

  /// What the work looks at to know whether to stop.
  const CancelTokenPtr& token() const noexcept { return token_; }
  /// Asks the work to stop. It settles when the device notices.
  void cancel() { token_->cancel(); }
  /// Releases what belongs to JavaScript; the promise will never settle. On the JS thread.
  void abandon();
  /// Where it runs; null for files.
  const DevicePtr& device() const noexcept { return device_; }

 private:
  AsyncCall(Napi::Env env, std::shared_ptr<CancelGroup> group);

  Napi::Value run_on(DevicePtr device, std::shared_ptr<const void> held,
                     const std::function<JobPtr(const std::shared_ptr<AsyncCall>&)>& make_job);
  void settle(Napi::Env env, const std::function<Napi::Value()>& result);
  void tell(Napi::Env env, std::size_t done, std::size_t total);

  const std::shared_ptr<Environment> environment_;
  const Napi::Promise::Deferred deferred_;
  const CancelTokenPtr token_ = std::make_shared<CancelToken>();
  DevicePtr device_;
  std::shared_ptr<CancelGroup> group_;
  Napi::FunctionReference on_progress_;
  bool settled_ = false;  // or abandoned; JS thread only

  Answer answer_;  // the working thread's until finish() posts
};

}  // namespace interrogator::binding
