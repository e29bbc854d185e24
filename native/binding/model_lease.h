// Ownership of a model that JavaScript can end while calls still run on it.
#pragma once

#include <memory>
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
    const auto free = [model = std::move(model), freed = freed_, environment = environment.shared_from_this()](Model*) mutable {
      model.reset();
      environment->post([freed](Napi::Env) {
        freed->done = true;
        for (const auto& call : std::exchange(freed->waiting, {})) call->finish(nullptr);
      });
    };
    shared_ = freed_elsewhere(environment, std::shared_ptr<Model>(plain, free));
  }

  /// Throws kDisposed after close(). `what`: "CLIP model".
  std::shared_ptr<Model> share(const std::string& what) const {
    if (!shared_) throw Error(ErrorCode::kDisposed, "this " + what + " was closed; open it again");
    return shared_;
  }

  /// A promise for the model being freed. Idempotent.
  Napi::Value close(Napi::Env env) {
    shared_.reset();
    return AsyncCall::create(env)->start([this](const std::shared_ptr<AsyncCall>& self) {
      if (freed_->done) self->finish(nullptr);
      else freed_->waiting.push_back(self);
    });
  }

 private:
  /// Who waits for the end, and whether it has come. JS thread only.
  struct Freed {
    std::vector<std::shared_ptr<AsyncCall>> waiting;
    bool done = false;
  };

  std::shared_ptr<Freed> freed_;
  std::shared_ptr<Model> shared_;
};

}  // namespace interrogator::binding
