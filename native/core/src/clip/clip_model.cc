#include "interrogator/clip_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "clip/clip_model_state.h"
#include "interrogator/error.h"
#include "ops/operators.h"
#include "queue/pass_batch.h"
#include "device/transfer.h"

namespace interrogator {

namespace {

std::vector<std::int32_t> all_of(const TokenLists& texts) {
  std::vector<std::int32_t> indices(texts.count());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

std::unique_ptr<TextEncoding> begin(const TextTower& tower, const std::vector<std::int32_t>& prefix, const TokenLists& texts) {
  return tower.begin(prefix, tower.prepare(texts, all_of(texts), tower.room_after(prefix)));
}

}  // namespace

at::Tensor ClipModel::State::encode_images(const at::Tensor& pixels) const {
  const at::Tensor rows = image.call("forward", {pixels}).to(at::kFloat);
  if (rows.dim() != 2 || rows.size(0) != pixels.size(0) || rows.size(1) != manifest.embed_dim) {
    throw Error(ErrorCode::kBundleInvalid, manifest.image_file + " gives features of shape " + c10::str(rows.sizes()) +
                                               " where the manifest says embedDim " + std::to_string(manifest.embed_dim) +
                                               "; export the bundle again");
  }
  return rows;
}

ClipModel::ClipModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClipModel::~ClipModel() = default;

std::shared_ptr<ClipModel> ClipModel::open(DevicePtr device, const std::filesystem::path& folder, bool verify_hashes) {
  ClipManifest manifest = open_clip_bundle(folder, verify_hashes);
  ops::register_operators();
  return std::shared_ptr<ClipModel>(new ClipModel(std::make_unique<State>(std::move(device), std::move(manifest), folder)));
}

const ClipManifest& ClipModel::manifest() const noexcept { return state_->manifest; }
const DevicePtr& ClipModel::device() const noexcept { return state_->device; }

Features ClipModel::image_features(const std::vector<ImageView>& images, const CancelToken* token) const {
  const std::size_t most = state_->most_images();
  state_->move_to(state_->device->torch_device());
  std::vector<at::Tensor> batches;
  for (auto first = images.begin(); first != images.end();) {
    const auto last = first + std::min(static_cast<std::ptrdiff_t>(most), images.end() - first);
    if (token) token->check();
    const at::Tensor pixels = transform_all({first, last}, state_->manifest.image, state_->device->torch_device(), state_->image.dtype());
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
  std::size_t most() const override { return model_->state_->most_images(); }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override;

 private:
  friend class ClipModel::ImagePass;
  const std::shared_ptr<const ClipModel> model_;
  const SharedImage image_;
  const std::function<void(Features)> take_;
};

/// Images of one model, a pass a slice.
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
    ImageBatch batch = transform_images(images, state.manifest.image, state.device->torch_device(), state.image.dtype());
    state.move_to(state.device->torch_device());
    std::vector<Features> made;
    if (batch.pixels.size(0) > 0) {
      const at::Tensor rows = state.encode_images(batch.pixels);
      // Copies: a row that is kept must not keep the whole pass.
      for (std::int64_t row = 0; row < rows.size(0); ++row) made.emplace_back(state.device, rows.narrow(0, row, 1).clone());
      finish_on(state.device->torch_device());
    }
    // From here on nothing may fail for all: jobs end one by one.
    std::vector<Ended> ended(left.size());
    auto features = made.begin();
    for (std::size_t i = 0; i < left.size(); ++i) {
      const std::unique_ptr<ImageJob> job = std::move(jobs_[left[i]]);
      std::exception_ptr error = std::move(batch.errors[i]);
      if (!error) error = error_of([&] { job->take_(std::move(*features++)); });
      ended[i] = {left[i], std::move(error)};
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
        encoding_(begin(*model.state_->text, prefix, texts)),
        progress_(std::move(progress)),
        total_(texts.count()),
        features_(at::empty({static_cast<std::int64_t>(total_), model.manifest().embed_dim}, model.device()->torch_device())) {}

  bool advance() override {
    if (encoding_->finished()) {
      if (progress_) progress_(0, 0);
      return true;
    }
    model_.state_->move_to(model_.device()->torch_device());
    const TextRows rows = encoding_->advance();
    features_.index_copy_(0, upload(at::tensor(rows.texts), features_.device()), rows.features);
    finish_on(features_.device());
    done_ += rows.texts.size();
    if (progress_) progress_(done_, total_);
    return encoding_->finished();
  }

  Features take() override { return Features(model_.device(), features_); }

 private:
  const ClipModel& model_;
  const std::unique_ptr<TextEncoding> encoding_;
  const Progress progress_;
  const std::size_t total_;
  at::Tensor features_;
  std::size_t done_ = 0;
};

SlicedPtr<Features> ClipModel::begin_text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts,
                                                   Progress progress) const {
  state_->text->check(prefix);
  state_->text->check(texts);
  state_->move_to(state_->device->torch_device());
  return std::make_unique<TextFeatures>(*this, prefix, texts, std::move(progress));
}

void ClipModel::offload() { state_->move_to(c10::Device(c10::kCPU)); }
void ClipModel::restore() { state_->move_to(state_->device->torch_device()); }

}  // namespace interrogator
