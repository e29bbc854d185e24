#include "clip_model_wrap.h"

#include <chrono>
#include <optional>
#include <utility>

#include "features_wrap.h"
#include "image_wrap.h"

namespace interrogator::binding {

namespace {

/// Lets progress through a few times a second, and the end always.
Progress throttled(AsyncCall& call) {
  using Clock = std::chrono::steady_clock;
  return [&call, next = Clock::time_point()](std::size_t done, std::size_t total) mutable {
    const auto now = Clock::now();
    if (done < total && now < next) return;
    next = now + std::chrono::milliseconds(100);
    call.report(done, total);
  };
}

}  // namespace

std::vector<ClipModelWrap::PropertyDescriptor> ClipModelWrap::methods() {
  return with_shared_methods({promises<&ClipModelWrap::image_features>("imageFeatures"),
                              promises<&ClipModelWrap::text_features>("textFeatures"), InstanceMethod<&ClipModelWrap::tree>("tree")});
}

void ClipModelWrap::adopt(Napi::Env env, std::shared_ptr<ClipModel> model) {
  const ClipManifest& manifest = model->manifest();
  show("embedDim", manifest.embed_dim);
  show("contextLength", manifest.context_length);
  const auto show_number = [&](const char* name, std::optional<double> number) {
    show(name, number ? Napi::Value(Napi::Number::New(env, *number)) : env.Null());
  };
  show_number("logitScale", model->logits().scale);
  show_number("logitBias", model->logits().bias);
  vocab_size_ = manifest.vocab_size;
  ModelWrap::adopt(env, std::move(model));
}

Napi::Value ClipModelWrap::image_features(const Napi::CallbackInfo& info) {
  const auto model = share();
  SharedImage image = ImageWrap::pixels_of(info[0], "image");
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[1]))
      ->merge_on<Features>(device(), model, FeaturesWrap::wrap<Features>,
                           [&](auto take) { return ClipModel::image_job(model, std::move(image), std::move(take)); });
}

Napi::Value ClipModelWrap::text_features(const Napi::CallbackInfo& info) {
  const auto model = share();
  const auto texts = std::make_shared<TokenLists>(to_token_lists(info[0], "texts", vocab_size_));
  const auto group = CancelTokenWrap::group_of(info[1]);
  const Napi::Value on_progress = info[2];
  const bool reports = !on_progress.IsUndefined() && !on_progress.IsNull();
  if (reports && !on_progress.IsFunction()) binding::invalid("onProgress", "a function", on_progress);
  const auto call = AsyncCall::create(info.Env(), group);
  if (reports) call->reports_to(on_progress.As<Napi::Function>());
  const auto begin = [model, texts, reports](AsyncCall& call) {
    const TokenLists read_once = std::move(*texts);
    return model->begin_text_features({}, read_once, reports ? throttled(call) : Progress());
  };
  return call->run_in_slices_on(device(), begin, FeaturesWrap::wrap<Features>);
}

Napi::Value ClipModelWrap::tree(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const auto model = share();
    auto tree = std::make_shared<PromptTree>(model, to_token_lists(info[0], "candidates", vocab_size_));
    const auto slot = std::make_shared<TreeSlot>(TreeSlot{freed_elsewhere(environment_of(env), std::move(tree)), device(), vocab_size_});
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
