#include "interrogator/clip_model.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <numeric>
#include <string>
#include <utility>

#include "clip/clip_model_state.h"
#include "device/transfer.h"
#include "images/image_batch.h"
#include "interrogator/error.h"
#include "ops/operators.h"
#include "queue/merged_job.h"

namespace interrogator {

namespace {

std::vector<std::int32_t> all_of(const TokenLists& texts) {
  std::vector<std::int32_t> indices(texts.count());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

TextEncoding begin(const TextTower& tower, const std::vector<std::int32_t>& prefix, const TokenLists& texts) {
  return tower.begin(prefix, tower.prepare(texts, all_of(texts), tower.room_after(prefix)));
}

}  // namespace

at::Tensor ClipModel::State::encode_images(const at::Tensor& pixels) const {
  const at::Tensor rows = image.forward(pixels, images_at_once).to(at::kFloat);
  if (rows.dim() != 2 || rows.size(0) != pixels.size(0) || rows.size(1) != manifest.embed_dim) {
    throw Error(ErrorCode::kBundleInvalid, manifest.image_file + " gives features of shape " + c10::str(rows.sizes()) +
                                               " where the manifest says embedDim " + std::to_string(manifest.embed_dim) + "; " + remedy);
  }
  return rows;
}

ClipModel::ClipModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClipModel::~ClipModel() = default;

std::shared_ptr<ClipModel> ClipModel::open(DevicePtr device, const BundleSource& source, CancelTokenPtr cancel) {
  const std::unique_ptr<const Bundle> bundle = Bundle::open(source, std::move(cancel));
  ops::register_operators();
  return std::shared_ptr<ClipModel>(new ClipModel(std::make_unique<State>(std::move(device), *bundle)));
}

const ClipManifest& ClipModel::manifest() const noexcept { return state_->manifest; }
const Logits& ClipModel::logits() const noexcept { return state_->logits; }
const DevicePtr& ClipModel::device() const noexcept { return state_->device; }

struct ClipModel::ImageRequest {
  std::shared_ptr<const ClipModel> model;
  SharedImage image;
  std::function<void(Features)> take;
};

/// Images of one model, a pass a slice.
class ClipModel::ImagePass final : public MergedPass<ImageRequest> {
 public:
  using MergedPass::MergedPass;

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    const std::shared_ptr<const ClipModel> model = request(left.front()).model;
    State& state = *model->state_;
    std::vector<ImageView> images;
    for (const std::size_t place : left) images.push_back(request(place).image.view);
    const at::Tensor pixels = transform_images(images, state.manifest.image, state.device->torch_device(), state.image.dtype());
    state.move_to(state.device->torch_device());
    const at::Tensor rows = state.encode_images(pixels);
    std::vector<Features> made;
    // Copies: a row that is kept must not keep the whole pass.
    for (std::int64_t row = 0; row < rows.size(0); ++row) made.emplace_back(state.device, rows.narrow(0, row, 1).clone());
    finish_on(state.device->torch_device());
    // From here on nothing may fail for all: jobs end one by one.
    std::vector<Ended> ended;
    ended.reserve(left.size());
    for (std::size_t i = 0; i < left.size(); ++i) {
      ended.push_back(end(left[i], [&](ImageRequest& request) { request.take(std::move(made[i])); }));
    }
    return ended;
  }
};

JobPtr ClipModel::image_job(std::shared_ptr<const ClipModel> model, SharedImage image, std::function<void(Features)> take) {
  MergeKey key{reinterpret_cast<std::uintptr_t>(model.get())};
  const std::size_t most = images_per_pass(model->manifest().image, *model->device());
  return std::make_unique<MergedJob<ImageRequest, ImagePass>>(std::move(key), most,
                                                              ImageRequest{std::move(model), std::move(image), std::move(take)});
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
    if (!encoding_.finished()) {  // no texts, no parts
      model_.state_->move_to(model_.device()->torch_device());
      const TextRows rows = encoding_.advance();
      features_.index_copy_(0, upload(at::tensor(rows.texts), features_.device()), rows.features);
      finish_on(features_.device());
      done_ += rows.texts.size();
    }
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
  state_->move_to(state_->device->torch_device());
  return std::make_unique<TextFeatures>(*this, prefix, texts, std::move(progress));
}

void ClipModel::offload() { state_->move_to(c10::Device(c10::kCPU)); }
void ClipModel::restore() { state_->move_to(state_->device->torch_device()); }

}  // namespace interrogator
