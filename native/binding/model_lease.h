// Ownership of a model that JavaScript can end while calls still run on it.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "async_call.h"
#include "environment.h"
#include "interrogator/error.h"

namespace interrogator::binding {

/// Calls take share()s. After close() there are no new ones, and once the last is gone the model is freed: on a thread
/// of ours, because giving back gigabytes takes long, whoever held the last share. JS thread only, but for the shares.
template <class Model>
class ModelLease {
 public:
  ModelLease() = default;
  ModelLease(Environment& environment, std::shared_ptr<Model> model) : freed_(std::make_shared<Freed>()) {
    Model* const plain = model.get();
    const auto told = std::make_shared<Told>(std::move(model), freed_);
    shared_ = freed_elsewhere(environment, std::shared_ptr<Model>(told, plain));
  }

  /// Throws kDisposed after close(). `what`: "CLIP model".
  std::shared_ptr<Model> share(const std::string& what) const {
    if (!shared_) throw Error(ErrorCode::kDisposed, "this " + what + " was closed; open it again");
    return shared_;
  }

  /// A promise for the model being freed. Idempotent.
  Napi::Value close(Napi::Env env) {
    const auto call = make_call<void>(env, nullptr, [](AsyncCall<void>&) {}, to_undefined);
    const Napi::Value promise = call->start(env, [this](const std::shared_ptr<AsyncCall<void>>& self) { freed_->add(self); });
    shared_.reset();
    return promise;
  }

 private:
  /// Who waits for the end.
  class Freed {
   public:
    void add(std::shared_ptr<AsyncCall<void>> call) {
      {
        const std::lock_guard lock(mutex_);
        if (!done_) return waiting_.push_back(std::move(call));
      }
      call->finish(nullptr);
    }
    void tell() {
      std::vector<std::shared_ptr<AsyncCall<void>>> calls;
      {
        const std::lock_guard lock(mutex_);
        done_ = true;
        calls.swap(waiting_);
      }
      for (const auto& call : calls) call->finish(nullptr);
    }

   private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<AsyncCall<void>>> waiting_;
    bool done_ = false;
  };

  /// The model, and who hears of its end.
  struct Told {
    Told(std::shared_ptr<Model> owned, std::shared_ptr<Freed> hears) : model(std::move(owned)), freed(std::move(hears)) {}
    ~Told() {
      model.reset();
      freed->tell();
    }
    std::shared_ptr<Model> model;
    std::shared_ptr<Freed> freed;
  };

  std::shared_ptr<Freed> freed_;
  std::shared_ptr<Model> shared_;
};

}  // namespace interrogator::binding
