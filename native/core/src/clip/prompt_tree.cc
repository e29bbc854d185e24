#include "interrogator/prompt_tree.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "clip/clip_model_state.h"
#include "device/transfer.h"
#include "interrogator/error.h"

namespace interrogator {

namespace {

/// Candidates whose trees are kept from step to step: tens of megabytes. More are built a slice at a time, each step anew.
constexpr std::size_t kMostKept = 16384;

/// What is left of `count` candidates, rising.
std::vector<std::int32_t> remaining(std::size_t count, const std::vector<std::int32_t>& exclude) {
  std::vector<bool> excluded(count, false);
  for (const std::int32_t index : exclude) excluded[static_cast<std::size_t>(index)] = true;
  std::vector<std::int32_t> left;
  for (std::size_t index = 0; index < count; ++index) {
    if (!excluded[index]) left.push_back(static_cast<std::int32_t>(index));
  }
  if (left.empty()) throw Error(ErrorCode::kInvalidArgument, "no candidate is left to rank; give more, or exclude fewer");
  return left;
}

}  // namespace

/// The candidates in the form that the tower takes, as long as they fit a step.
struct PromptTree::Prepared {
  std::int64_t room = 0;             ///< what the prefix leaves, or the longest candidate's length where that is less
  std::vector<std::int32_t> chosen;  ///< the candidates prepared, rising: text i is chosen[i]
  std::shared_ptr<const PreparedTexts> texts;

  /// Whether these are all of `left` and little besides: an excluded candidate costs less than preparing anew.
  bool serves(std::int64_t needed_room, const std::vector<std::int32_t>& left) const {
    return room == needed_room && chosen.size() - chosen.size() / 16 <= left.size() &&
           std::includes(chosen.begin(), chosen.end(), left.begin(), left.end());
  }
};

PromptTree::PromptTree(std::shared_ptr<ClipModel> model, TokenLists candidates)
    : model_(std::move(model)), candidates_(std::move(candidates)) {
  for (std::size_t i = 0; i < count(); ++i) longest_ = std::max(longest_, candidates_.offsets[i + 1] - candidates_.offsets[i]);
}

PromptTree::~PromptTree() = default;

std::shared_ptr<const PromptTree::Prepared> PromptTree::prepare(std::int64_t room, const std::vector<std::int32_t>& left) const {
  const std::int64_t needed = std::min<std::int64_t>(room, longest_);
  if (!prepared_ || !prepared_->serves(needed, left)) {
    ClipModel::State& model = *model_->state_;
    auto texts = model.text->prepare(candidates_, left, needed);
    if (left.size() <= kMostKept) texts->keep_on(model.device->torch_device());
    prepared_ = std::make_shared<const Prepared>(Prepared{needed, left, std::move(texts)});
  }
  return prepared_;
}

std::size_t PromptTree::count() const noexcept { return candidates_.count(); }

class PromptTree::Best final : public Sliced<StepResult> {
 public:
  Best(ClipModel::State& model, const std::vector<std::int32_t>& prefix, std::shared_ptr<const Prepared> prepared,
       std::vector<std::int32_t> left, at::Tensor target, bool reverse)
      : model_(model),
        prepared_(std::move(prepared)),
        encoding_(model.text->begin(prefix, prepared_->texts)),
        left_(std::move(left)),
        target_(std::move(target)),
        reverse_(reverse),
        similarities_(prepared_->chosen.size()) {}

  bool advance() override {
    model_.move_to(model_.device->torch_device());
    const TextRows rows = encoding_.advance();
    // Not a matrix product: it may sum the last rows in another order, and equal candidates must tie.
    const at::Tensor block = download({rows.features.mul(target_).sum(1)})[0];
    const float* const values = block.const_data_ptr<float>();
    for (std::size_t i = 0; i < rows.texts.size(); ++i) similarities_[static_cast<std::size_t>(rows.texts[i])] = values[i];
    return encoding_.finished();
  }

  StepResult take() override {
    StepResult best;
    auto next = left_.begin();  // both lists rise
    for (std::size_t i = 0; i < prepared_->chosen.size() && next != left_.end(); ++i) {
      if (prepared_->chosen[i] != *next) continue;
      ++next;
      if (std::isnan(similarities_[i])) continue;
      const bool better = reverse_ ? similarities_[i] < best.similarity : similarities_[i] > best.similarity;
      if (best.index < 0 || better) best = {prepared_->chosen[i], similarities_[i]};
    }
    if (best.index < 0) throw Error(ErrorCode::kRuntime, "no candidate's similarity is a number; check the image features");
    return best;
  }

 private:
  ClipModel::State& model_;
  const std::shared_ptr<const Prepared> prepared_;
  TextEncoding encoding_;
  const std::vector<std::int32_t> left_;
  const at::Tensor target_;
  const bool reverse_;
  std::vector<float> similarities_;
};

SlicedPtr<StepResult> PromptTree::begin_best(const std::vector<std::int32_t>& prefix_ids, const Features& features,
                                             const StepOptions& options) const {
  ClipModel::State& model = *model_->state_;
  if (features.rows() != 1 || features.dim() != model.manifest.embed_dim) {
    throw Error(ErrorCode::kInvalidArgument, "features are " + std::to_string(features.rows()) + " × " + std::to_string(features.dim()) +
                                                 "; give one row of " + std::to_string(model.manifest.embed_dim));
  }
  std::vector<std::int32_t> left = remaining(count(), options.exclude);
  model.move_to(model.device->torch_device());
  auto prepared = prepare(model.text->room_after(prefix_ids), left);
  return std::make_unique<Best>(model, prefix_ids, std::move(prepared), std::move(left), features.tensor().to(at::kFloat), options.reverse);
}

}  // namespace interrogator
