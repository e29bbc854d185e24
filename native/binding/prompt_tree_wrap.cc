#include "prompt_tree_wrap.h"

#include "async_call.h"
#include "cancel_token_wrap.h"
#include "features_wrap.h"

namespace interrogator::binding {

std::vector<PromptTreeWrap::PropertyDescriptor> PromptTreeWrap::methods() {
  return {InstanceAccessor<&PromptTreeWrap::count>("count"), InstanceMethod<&PromptTreeWrap::best>("best"),
          InstanceMethod<&PromptTreeWrap::close>("close")};
}

Napi::Value PromptTreeWrap::count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(slot_->count));
}

Napi::Value PromptTreeWrap::best(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return promised(env, [&] {
    const std::shared_ptr<PromptTree> tree = slot_->tree;
    if (!tree) throw Error(ErrorCode::kDisposed, "this prompt tree or its CLIP model was closed; make another");
    auto prefix = to_int32s(info[0], "prefixIds");
    check_ids(prefix, "prefixIds", slot_->vocab_size);
    const Features features = FeaturesWrap::features_of(info[1], "features", slot_->device);
    const OptionsReader reader(info[2], "options");
    StepOptions options;
    if (const Napi::Value exclude = reader.get("exclude"); !exclude.IsUndefined()) {
      options.exclude = to_int32s(exclude, "exclude");
      check_ids(options.exclude, "exclude", static_cast<std::int64_t>(slot_->count));
    }
    options.reverse = reader.boolean("reverse", options.reverse);
    return make_call<StepResult>(env, CancelTokenWrap::group_of(info[3]),
                                 [](Napi::Env env, StepResult step) {
                                   const auto object = Napi::Object::New(env);
                                   object.Set("index", step.index);
                                   object.Set("similarity", step.similarity);
                                   return object;
                                 })
        ->run_in_slices_on(env, slot_->device, [tree, prefix = std::move(prefix), features, options = std::move(options)](auto&) {
          return tree->begin_best(prefix, features, options);
        });
  });
}

void PromptTreeWrap::close(const Napi::CallbackInfo&) { slot_->tree.reset(); }

}  // namespace interrogator::binding
