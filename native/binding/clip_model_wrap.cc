#include "clip_model_wrap.h"

#include <chrono>
#include <utility>

#include "cancel_token_wrap.h"
#include "features_wrap.h"
#include "image_wrap.h"

namespace interrogator::binding {

namespace {

/// Lets progress through a few times a second, and the end always, once.
class ProgressThrottle {
 public:
  explicit ProgressThrottle(AsyncCall<Features>& call) : call_(call) {}

  void operator()(std::size_t done, std::size_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (done < total && now - last_ < kInterval) return;
    if (ended_) return;
    ended_ = done >= total;
    last_ = now;
    call_.report(done, total);
  }

 private:
  static constexpr std::chrono::milliseconds kInterval{100};

  AsyncCall<Features>& call_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now() - kInterval;
  bool ended_ = false;
};

Napi::Value wrap_features(Napi::Env env, Features features) { return FeaturesWrap::wrap(env, std::move(features)); }

}  // namespace

std::vector<ClipModelWrap::PropertyDescriptor> ClipModelWrap::methods() {
  return with_shared_methods({InstanceAccessor<&ClipModelWrap::embed_dim>("embedDim"),
                              InstanceAccessor<&ClipModelWrap::context_length>("contextLength"),
                              InstanceMethod<&ClipModelWrap::image_features>("imageFeatures"),
                              InstanceMethod<&ClipModelWrap::text_features>("textFeatures"), InstanceMethod<&ClipModelWrap::tree>("tree")});
}

void ClipModelWrap::adopt(Napi::Env env, std::shared_ptr<ClipModel> model) {
  const ClipManifest& manifest = model->manifest();
  embed_dim_ = manifest.embed_dim;
  context_length_ = manifest.context_length;
  vocab_size_ = manifest.vocab_size;
  ModelWrap::adopt(env, std::move(model));
}

Napi::Value ClipModelWrap::embed_dim(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(embed_dim_));
}

Napi::Value ClipModelWrap::context_length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(context_length_));
}

Napi::Value ClipModelWrap::image_features(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const auto model = share();
    SharedImage image = ImageWrap::pixels_of(info[0], "image");
    return make_call<Features>(env, CancelTokenWrap::group_of(info[1]), wrap_features)
        ->merge_on(env, device(), model, [&](auto take, auto done, const CancelTokenPtr& token) {
          ClipModel::submit_image_features(model, std::move(image), std::move(take), std::move(done), token);
        });
  });
}

Napi::Value ClipModelWrap::text_features(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const auto model = share();
    const auto texts = std::make_shared<TokenLists>(to_token_lists(info[0], "texts", vocab_size_));
    const auto group = CancelTokenWrap::group_of(info[1]);
    const Napi::Value on_progress = info[2];
    const bool reports = !on_progress.IsUndefined() && !on_progress.IsNull();
    if (reports && !on_progress.IsFunction()) binding::invalid("onProgress", "a function", on_progress);
    const auto call = make_call<Features>(env, group, wrap_features);
    if (reports) call->reports_to(on_progress.As<Napi::Function>());
    return call->run_in_slices_on(env, device(), [model, texts, reports](AsyncCall<Features>& call) {
      const TokenLists read_once = std::move(*texts);
      return model->begin_text_features({}, read_once, reports ? Progress(ProgressThrottle(call)) : Progress());
    });
  });
}

Napi::Value ClipModelWrap::tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const auto model = share();
    const auto slot = std::make_shared<TreeSlot>();
    slot->tree =
        freed_elsewhere(environment_of(env), std::make_shared<PromptTree>(model, to_token_lists(info[0], "candidates", vocab_size_)));
    slot->device = device();
    slot->vocab_size = vocab_size_;
    slot->count = slot->tree->count();
    std::erase_if(trees_, [](const std::weak_ptr<TreeSlot>& each) { return each.expired(); });
    trees_.push_back(slot);
    return PromptTreeWrap::wrap(env, slot);
  });
}

Napi::Value ClipModelWrap::close(const Napi::CallbackInfo& info) {
  for (const std::weak_ptr<TreeSlot>& each : std::exchange(trees_, {})) {
    if (const auto slot = each.lock()) slot->tree.reset();
  }
  return ModelWrap::close(info);
}

}  // namespace interrogator::binding
