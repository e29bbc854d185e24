#include "caption_model_wrap.h"

#include <limits>

#include "image_wrap.h"

namespace interrogator::binding {

std::vector<CaptionModelWrap::PropertyDescriptor> CaptionModelWrap::methods() {
  return with_shared_methods({promises<&CaptionModelWrap::generate>("generate")});
}

namespace {

/// What the options say; whether the model can have them is checked by it.
GenerateOptions generate_options(const OptionsReader& given) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  GenerateOptions options;
  options.max_tokens = given.integer("maxTokens", options.max_tokens, 1, most);
  options.num_beams = given.integer("numBeams", options.num_beams, 1, kMostBeams);
  options.min_length = given.integer("minLength", options.min_length, 0, most);
  options.repetition_penalty = given.number("repetitionPenalty", options.repetition_penalty);
  options.no_repeat_ngram_size = given.integer("noRepeatNgramSize", options.no_repeat_ngram_size, 0, most);
  options.prompt = given.int32s("prompt");
  return options;
}

}  // namespace

Napi::Value CaptionModelWrap::generate(const Napi::CallbackInfo& info) {
  const auto model = share();
  SharedImage image = ImageWrap::pixels_of(info[0], "image");
  const GenerateOptions options = generate_options(OptionsReader(info[1], "options"));
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[2]))
      ->merge_on<std::vector<std::int32_t>>(device(), model, from_int32s, [&](auto take) {
        return CaptionModel::caption_job(model, std::move(image), options, std::move(take));
      });
}

}  // namespace interrogator::binding
