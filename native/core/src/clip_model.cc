#include "interrogator/clip_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "image_batch.h"
#include "interrogator/error.h"
#include "module.h"
#include "ops/tree_attention.h"
#include "pass_batch.h"
#include "text_tower.h"

namespace interrogator {

namespace {

std::vector<std::int32_t> all_of(const TokenLists& texts) {
  std::vector<std::int32_t> indices(texts.count());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

/// Waits for what was begun on a device of its own pace: a slice's time is to be what it took, and the
/// next job's turn is to come when the device is free.
void finish_on(c10::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl guard(device.type());
  guard.synchronizeStream(guard.getStream(device));
}

/// What is left of `count` candidates, rising.
std::vector<std::int32_t> remaining(std::size_t count, const std::vector<std::int32_t>& exclude) {
  std::vector<bool> excluded(count, false);
  for (const std::int32_t index : exclude) {
    if (index < 0 || static_cast<std::size_t>(index) >= count) {
      throw Error(ErrorCode::kInvalidArgument, "exclude holds " + std::to_string(index) + "; the tree has candidates 0 to " +
                                                   std::to_string(static_cast<std::int64_t>(count) - 1));
    }
    excluded[static_cast<std::size_t>(index)] = true;
  }
  std::vector<std::int32_t> left;
  for (std::size_t index = 0; index < count; ++index) {
    if (!excluded[index]) left.push_back(static_cast<std::int32_t>(index));
  }
  if (left.empty()) throw Error(ErrorCode::kInvalidArgument, "no candidate is left to rank; give more, or exclude fewer");
  return left;
}

}  // namespace

struct ClipModel::State {
  State(DevicePtr owner, ClipManifest read, const std::filesystem::path& folder)
      : device(std::move(owner)),
        manifest(std::move(read)),
        image(Module::load(folder / manifest.image_file, device->torch_device(), {"forward"})),
        text(manifest, folder / manifest.text_file, device->torch_device()) {}

  void move_to(c10::Device target) {
    image.move_to(target);
    text.move_to(target);
  }

  /// pixels as transform_images makes them, B of them → B × embed_dim, float32.
  at::Tensor encode_images(const at::Tensor& pixels) const {
    const at::Tensor rows = image.call("forward", {pixels.to(device->torch_device(), image.dtype())}).to(at::kFloat);
    if (rows.dim() != 2 || rows.size(0) != pixels.size(0) || rows.size(1) != manifest.embed_dim) {
      throw Error(ErrorCode::kBundleInvalid, manifest.image_file + " gives features of shape " + c10::str(rows.sizes()) +
                                                 " where the manifest says embedDim " + std::to_string(manifest.embed_dim) +
                                                 "; export the bundle again");
    }
    return rows;
  }

  TextEncoding begin_text(const std::vector<std::int32_t>& prefix, const TokenLists& texts) const {
    const CutPrefix cut = text.cut(prefix);
    return text.begin(cut, std::make_shared<const TextBlocks>(text.blocks(texts, all_of(texts), cut.room)));
  }

  std::size_t most_pictures() const {
    return pictures_per_pass(manifest.image, device->options().max_batch, device->torch_device().is_cpu());
  }

  const DevicePtr device;
  const ClipManifest manifest;
  Module image;
  TextTower text;
};

ClipModel::ClipModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClipModel::~ClipModel() = default;

std::shared_ptr<ClipModel> ClipModel::open(DevicePtr device, const std::filesystem::path& folder, bool verify_hashes) {
  ClipManifest manifest = open_clip_bundle(folder, verify_hashes);
  if (manifest.text_tower != "causal") {
    throw Error(ErrorCode::kBundleInvalid,
                "the bundle of '" + manifest.name + "' has a " + manifest.text_tower +
                    " text tower, which is not supported by this version; use a model whose text tower is causal");
  }
  ops::register_operators();
  return std::shared_ptr<ClipModel>(new ClipModel(std::make_unique<State>(std::move(device), std::move(manifest), folder)));
}

const ClipManifest& ClipModel::manifest() const noexcept { return state_->manifest; }
const DevicePtr& ClipModel::device() const noexcept { return state_->device; }

Features ClipModel::image_features(const std::vector<ImageView>& images, const CancelToken* token) const {
  const std::size_t most = state_->most_pictures();
  state_->move_to(state_->device->torch_device());
  std::vector<at::Tensor> batches;
  for (auto first = images.begin(); first != images.end();) {
    const auto last = first + std::min(static_cast<std::ptrdiff_t>(most), images.end() - first);
    if (token) token->check();
    const at::Tensor pixels = transform_all({first, last}, state_->manifest.image);
    if (token) token->check();
    batches.push_back(state_->encode_images(pixels));
    first = last;
  }
  if (batches.empty()) return Features(state_->device, at::empty({0, state_->manifest.embed_dim}, state_->device->torch_device()));
  return Features(state_->device, batches.size() == 1 ? batches[0] : at::cat(batches));
}

class ClipModel::ImageJob final : public Job {
 public:
  ImageJob(std::shared_ptr<const ClipModel> model, SharedImage image, std::function<void(Features)> take)
      : model_(std::move(model)), image_(std::move(image)), take_(std::move(take)) {}

  MergeKey key() const override { return {reinterpret_cast<std::uintptr_t>(model_.get())}; }
  std::size_t most() const override { return model_->state_->most_pictures(); }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override;

 private:
  friend class ClipModel::ImagePass;
  const std::shared_ptr<const ClipModel> model_;
  const SharedImage image_;
  const std::function<void(Features)> take_;
};

/// Pictures of one model, a pass a slice.
class ClipModel::ImagePass final : public PassBatch {
 public:
  explicit ImagePass(std::vector<JobPtr> jobs) : PassBatch(jobs.size()) {
    for (JobPtr& job : jobs) jobs_.emplace_back(static_cast<ImageJob*>(job.release()));
  }

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    const std::shared_ptr<const ClipModel> model = jobs_[left.front()]->model_;
    State& state = *model->state_;
    std::vector<ImageView> images;
    for (const std::size_t place : left) images.push_back(jobs_[place]->image_.view);
    ImageBatch batch = transform_images(images, state.manifest.image);
    state.move_to(state.device->torch_device());
    at::Tensor rows;
    if (batch.pixels.size(0) > 0) rows = state.encode_images(batch.pixels);
    std::vector<Ended> ended;
    std::int64_t row = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const std::unique_ptr<ImageJob> job = std::move(jobs_[left[i]]);
      // A copy: a row that is kept must not keep the whole pass.
      if (!batch.errors[i]) job->take_(Features(state.device, rows.narrow(0, row++, 1).clone()));
      ended.push_back({left[i], std::move(batch.errors[i])});
    }
    return ended;
  }

  std::vector<std::unique_ptr<ImageJob>> jobs_;  // by place; null once ended
};

std::unique_ptr<Batch> ClipModel::ImageJob::begin(std::vector<JobPtr> jobs) { return std::make_unique<ImagePass>(std::move(jobs)); }

void ClipModel::submit_image_features(std::shared_ptr<const ClipModel> model, SharedImage image, std::function<void(Features)> take,
                                      Device::Done done, CancelTokenPtr token) {
  const DevicePtr device = model->device();
  device->submit(std::make_unique<ImageJob>(std::move(model), std::move(image), std::move(take)), std::move(done), std::move(token));
}

Features ClipModel::text_features(const TokenLists& texts, const CancelToken* token, const Progress& progress) const {
  return text_features({}, texts, token, progress);
}

Features ClipModel::text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const CancelToken* token,
                                  const Progress& progress) const {
  const SlicedPtr<Features> encoding = begin_text_features(prefix, texts, progress);
  return run_to_end(*encoding, token);
}

class ClipModel::TextFeatures final : public Sliced<Features> {
 public:
  TextFeatures(const ClipModel& model, const std::vector<std::int32_t>& prefix, const TokenLists& texts, Progress progress)
      : model_(model),
        encoding_(model.state_->begin_text(prefix, texts)),
        progress_(std::move(progress)),
        total_(texts.count()),
        features_(at::empty({static_cast<std::int64_t>(total_), model.manifest().embed_dim}, model.device()->torch_device())) {}

  bool advance() override {
    if (encoding_.finished()) {
      if (progress_) progress_(0, 0);
      return true;
    }
    model_.state_->move_to(model_.device()->torch_device());
    const TextRows rows = encoding_.advance();
    features_.index_copy_(0, at::tensor(rows.texts).to(features_.device()), rows.features);
    finish_on(features_.device());
    done_ += rows.texts.size();
    if (progress_) progress_(done_, total_);
    return encoding_.finished();
  }

  Features take() override { return Features(model_.device(), features_); }

 private:
  const ClipModel& model_;
  TextEncoding encoding_;
  const Progress progress_;
  const std::size_t total_;
  at::Tensor features_;
  std::size_t done_ = 0;
};

SlicedPtr<Features> ClipModel::begin_text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts,
                                                   Progress progress) const {
  state_->text.check(prefix);
  state_->text.check(texts);
  state_->move_to(state_->device->torch_device());
  return std::make_unique<TextFeatures>(*this, prefix, texts, std::move(progress));
}

void ClipModel::offload() { state_->move_to(c10::Device(c10::kCPU)); }
void ClipModel::restore() { state_->move_to(state_->device->torch_device()); }

/// The candidates in the form that the tower takes, as long as they fit a step.
struct PromptTree::Prepared {
  std::int64_t room = 0;             ///< what the prefix leaves, or the longest candidate's length where that is less
  std::vector<std::int32_t> chosen;  ///< candidates in the blocks, rising: text i of the blocks is chosen[i]
  std::shared_ptr<const TextBlocks> blocks;

  /// Whether the blocks hold all of `left` and little besides: an excluded candidate costs less than cutting anew.
  bool serves(std::int64_t needed_room, const std::vector<std::int32_t>& left) const {
    return room == needed_room && chosen.size() - chosen.size() / 16 <= left.size() &&
           std::includes(chosen.begin(), chosen.end(), left.begin(), left.end());
  }
};

PromptTree::PromptTree(std::shared_ptr<ClipModel> model, TokenLists candidates)
    : model_(std::move(model)), candidates_(std::move(candidates)) {
  model_->state_->text.check(candidates_);
  for (std::size_t i = 0; i < count(); ++i) longest_ = std::max(longest_, candidates_.offsets[i + 1] - candidates_.offsets[i]);
}

PromptTree::~PromptTree() = default;

std::shared_ptr<const PromptTree::Prepared> PromptTree::prepare(std::int64_t room, const std::vector<std::int32_t>& left) const {
  const std::int64_t needed = std::min<std::int64_t>(room, longest_);
  if (!prepared_ || !prepared_->serves(needed, left)) {
    ClipModel::State& model = *model_->state_;
    auto blocks = std::make_shared<TextBlocks>(model.text.blocks(candidates_, left, needed));
    blocks->keep_on(model.device->torch_device());
    prepared_ = std::make_shared<const Prepared>(Prepared{needed, left, std::move(blocks)});
  }
  return prepared_;
}

std::size_t PromptTree::count() const noexcept { return candidates_.count(); }

StepResult PromptTree::best(const std::vector<std::int32_t>& prefix_ids, const Features& features, const StepOptions& options,
                            const CancelToken* token) const {
  const SlicedPtr<StepResult> step = begin_best(prefix_ids, features, options);
  return run_to_end(*step, token);
}

class PromptTree::Best final : public Sliced<StepResult> {
 public:
  Best(ClipModel::State& model, const CutPrefix& prefix, std::shared_ptr<const Prepared> prepared, std::vector<std::int32_t> left,
       at::Tensor target, bool reverse)
      : model_(model),
        prepared_(std::move(prepared)),
        encoding_(model.text.begin(prefix, prepared_->blocks)),
        left_(std::move(left)),
        target_(std::move(target)),
        reverse_(reverse),
        similarities_(prepared_->chosen.size()) {}

  bool advance() override {
    model_.move_to(model_.device->torch_device());
    const TextRows rows = encoding_.advance();
    // Not a matrix product: it may sum the last rows in another order, and equal candidates must tie.
    const at::Tensor block = rows.features.mul(target_).sum(1).to(at::kCPU);
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
  if (features.device() != model.device) {
    throw Error(ErrorCode::kInvalidArgument, "features and candidates are on different devices; compute both on one");
  }
  model.text.check(prefix_ids);
  std::vector<std::int32_t> left = remaining(count(), options.exclude);
  model.move_to(model.device->torch_device());
  const CutPrefix prefix = model.text.cut(prefix_ids);
  auto prepared = prepare(prefix.room, left);
  return std::make_unique<Best>(model, prefix, std::move(prepared), std::move(left), features.tensor().to(at::kFloat), options.reverse);
}

}  // namespace interrogator
