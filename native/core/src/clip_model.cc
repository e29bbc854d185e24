#include "interrogator/clip_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "interrogator/error.h"
#include "module.h"
#include "ops/image_transform_cuda.h"
#include "ops/tree_attention.h"
#include "text_tower.h"
#include "transfer.h"

namespace interrogator {

namespace {

std::vector<std::int32_t> all_of(const TokenLists& texts) {
  std::vector<std::int32_t> indices(texts.count());
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
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

  /// images[first .. first+count) as one batch → count × embed_dim, float32.
  at::Tensor encode_images(const std::vector<ImageView>& images, std::size_t first, std::size_t count, const CancelToken* token) const {
    std::vector<at::Tensor> pixels;
    for (std::size_t i = first; i < first + count; ++i) {
      if (token) token->check();
      pixels.push_back(ops::image_transform_on(images[i], manifest.image, device->torch_device(), image.dtype()));
    }
    if (token) token->check();
    const at::Tensor rows = image.call("forward", {at::stack(pixels)}).to(at::kFloat);
    if (rows.dim() != 2 || rows.size(0) != static_cast<std::int64_t>(count) || rows.size(1) != manifest.embed_dim) {
      throw Error(ErrorCode::kBundleInvalid, manifest.image_file + " gives features of shape " + c10::str(rows.sizes()) +
                                                 " where the manifest says embedDim " + std::to_string(manifest.embed_dim) +
                                                 "; export the bundle again");
    }
    return rows;
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
  const std::size_t most = state_->device->options().max_batch;
  state_->move_to(state_->device->torch_device());
  std::vector<at::Tensor> batches;
  for (std::size_t first = 0; first < images.size(); first += most) {
    batches.push_back(state_->encode_images(images, first, std::min(most, images.size() - first), token));
  }
  if (batches.empty()) return Features(state_->device, at::empty({0, state_->manifest.embed_dim}, state_->device->torch_device()));
  return Features(state_->device, batches.size() == 1 ? batches[0] : at::cat(batches));
}

Features ClipModel::text_features(const TokenLists& texts, const CancelToken* token, const Progress& progress) const {
  return text_features({}, texts, token, progress);
}

Features ClipModel::text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const CancelToken* token,
                                  const Progress& progress) const {
  state_->text.check(prefix);
  state_->text.check(texts);
  state_->move_to(state_->device->torch_device());
  const std::size_t total = texts.count();
  at::Tensor features = at::empty({static_cast<std::int64_t>(total), state_->manifest.embed_dim}, state_->device->torch_device());
  std::size_t done = 0;
  state_->text.encode(prefix, texts, all_of(texts), token, [&](const TextRows& rows) {
    features.index_copy_(0, upload(at::tensor(rows.texts), features.device()), rows.features);
    done += rows.texts.size();
    if (progress) progress(done, total);
  });
  return Features(state_->device, features);
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
  ClipModel::State& model = *model_->state_;
  if (features.rows() != 1 || features.dim() != model.manifest.embed_dim) {
    throw Error(ErrorCode::kInvalidArgument, "features are " + std::to_string(features.rows()) + " × " + std::to_string(features.dim()) +
                                                 "; give one row of " + std::to_string(model.manifest.embed_dim));
  }
  if (features.device() != model.device) {
    throw Error(ErrorCode::kInvalidArgument, "features and candidates are on different devices; compute both on one");
  }
  model.text.check(prefix_ids);
  const std::vector<std::int32_t> chosen = remaining(count(), options.exclude);
  model.move_to(model.device->torch_device());

  std::vector<float> similarities(chosen.size());
  const at::Tensor target = features.tensor().to(at::kFloat);
  model.text.encode(prefix_ids, candidates_, chosen, token, [&](const TextRows& rows) {
    // Not a matrix product: it may sum the last rows in another order, and equal candidates must tie.
    const at::Tensor block = download({rows.features.mul(target).sum(1)})[0];
    const float* const values = block.const_data_ptr<float>();
    for (std::size_t i = 0; i < rows.texts.size(); ++i) similarities[static_cast<std::size_t>(rows.texts[i])] = values[i];
  });

  StepResult best;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (std::isnan(similarities[i])) continue;
    const bool better = options.reverse ? similarities[i] < best.similarity : similarities[i] > best.similarity;
    if (best.index < 0 || better) best = {chosen[i], similarities[i]};
  }
  if (best.index < 0) throw Error(ErrorCode::kRuntime, "no candidate's similarity is a number; check the image features");
  return best;
}

}  // namespace interrogator
