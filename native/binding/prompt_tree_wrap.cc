#include "prompt_tree_wrap.h"

#include "async_call.h"
#include "features_wrap.h"

namespace interrogator::binding {

namespace {

Napi::Value from_step(Napi::Env env, const StepResult& step) {
  const auto object = Napi::Object::New(env);
  object.Set("index", step.index);
  object.Set("similarity", step.similarity);
  return object;
}

}  // namespace

std::vector<PromptTreeWrap::PropertyDescriptor> PromptTreeWrap::methods() {
  return {promises<&PromptTreeWrap::best>("best"), InstanceMethod<&PromptTreeWrap::close>("close")};
}

Napi::Value PromptTreeWrap::best(const Napi::CallbackInfo& info) {
  const std::shared_ptr<PromptTree> tree = slot_->tree;
  if (!tree) throw Error(ErrorCode::kDisposed, "this prompt tree or its CLIP model was closed; make another");
  const auto prefix = to_int32s(info[0], "prefixIds");
  check_ids(prefix, "prefixIds", slot_->vocab_size);
  const Features features = FeaturesWrap::features_of(info[1], "features", slot_->device);
  const OptionsReader reader(info[2], "options");
  StepOptions options;
  if (const Napi::Value exclude = reader.get("exclude"); !exclude.IsUndefined()) {
    options.exclude = to_int32s(exclude, "exclude");
    check_ids(options.exclude, "exclude", static_cast<std::int64_t>(tree->count()));
  }
  options.reverse = reader.boolean("reverse", options.reverse);
  const auto begin = [=](AsyncCall&) { return tree->begin_best(prefix, features, options); };
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[3]))->run_in_slices_on(slot_->device, begin, from_step);
}

void PromptTreeWrap::close(const Napi::CallbackInfo&) { slot_->tree.reset(); }

}  // namespace interrogator::binding
