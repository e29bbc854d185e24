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
        encoding_(model.state_->text.begin(prefix, texts, all_of(texts))),
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

PromptTree::PromptTree(std::shared_ptr<ClipModel> model, TokenLists candidates)
    : model_(std::move(model)), candidates_(std::move(candidates)) {
  model_->state_->text.check(candidates_);
}

std::size_t PromptTree::count() const noexcept { return candidates_.count(); }

StepResult PromptTree::best(const std::vector<std::int32_t>& prefix_ids, const Features& features, const StepOptions& options,
                            const CancelToken* token) const {
  const SlicedPtr<StepResult> step = begin_best(prefix_ids, features, options);
  return run_to_end(*step, token);
}

class PromptTree::Best final : public Sliced<StepResult> {
 public:
  Best(ClipModel::State& model, TextEncoding encoding, std::vector<std::int32_t> chosen, at::Tensor target, bool reverse)
      : model_(model),
        encoding_(std::move(encoding)),
        chosen_(std::move(chosen)),
        target_(std::move(target)),
        reverse_(reverse),
        similarities_(chosen_.size()) {}

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
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      if (std::isnan(similarities_[i])) continue;
      const bool better = reverse_ ? similarities_[i] < best.similarity : similarities_[i] > best.similarity;
      if (best.index < 0 || better) best = {chosen_[i], similarities_[i]};
    }
    if (best.index < 0) throw Error(ErrorCode::kRuntime, "no candidate's similarity is a number; check the image features");
    return best;
  }

 private:
  ClipModel::State& model_;
  TextEncoding encoding_;
  const std::vector<std::int32_t> chosen_;
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
  std::vector<std::int32_t> chosen = remaining(count(), options.exclude);
  model.move_to(model.device->torch_device());
  TextEncoding encoding = model.text.begin(prefix_ids, candidates_, chosen);
  return std::make_unique<Best>(model, std::move(encoding), std::move(chosen), features.tensor().to(at::kFloat), options.reverse);
}

}  // namespace interrogator
