#include "interrogator/caption_model.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "caption/decode_graph.h"
#include "caption/greedy_decoding.h"
#include "images/image_batch.h"
#include "interrogator/error.h"
#include "weights/module.h"
#include "ops/operators.h"
#include "queue/pass_batch.h"
#include "device/transfer.h"

namespace interrogator {

namespace {

using Caption = std::vector<std::int32_t>;
using Captions = std::vector<Caption>;

void check_options(const GenerateOptions& options, const CaptionManifest& manifest) {
  // The last new token is not fed back, so it needs no position.
  const std::int64_t most = manifest.max_positions - static_cast<std::int64_t>(manifest.prompt_ids.size()) + 1;
  if (options.max_tokens < 1 || options.max_tokens > most) {
    throw Error(ErrorCode::kInvalidArgument,
                "maxTokens is " + std::to_string(options.max_tokens) + "; '" + manifest.name + "' takes 1 to " + std::to_string(most));
  }
}

}  // namespace

struct CaptionModel::State {
  State(DevicePtr owner, CaptionManifest read, const std::filesystem::path& folder)
      : device(std::move(owner)),
        manifest(std::move(read)),
        vision(Module::load(folder / manifest.vision_file, device->torch_device(), {"forward"})),
        decoder(Module::load(folder / manifest.decoder_file, device->torch_device(), {"cross", "step"})),
        guesser(decoder.has_method("step_each") ? decoder.rounded("step") : std::nullopt),
        graphs(device_graphs(device->torch_device())) {}

  void move_to(c10::Device target) {
    vision.move_to(target);
    decoder.move_to(target);
  }

  std::unique_ptr<GreedyDecoding> decode(const std::vector<at::Tensor>& embeds, std::int64_t max_tokens) {
    return std::make_unique<GreedyDecoding>(decoder, guesser ? &*guesser : nullptr, manifest, graphs, max_tokens, at::cat(embeds));
  }

  void count(const GreedyDecoding& decoding) {
    guess_counts.guessed += decoding.guess_counts().guessed;
    guess_counts.right += decoding.guess_counts().right;
  }

  /// pixels as transform_images makes them.
  at::Tensor image_embeds(const at::Tensor& pixels) const { return vision.call("forward", {pixels}).to(decoder.dtype()); }

  std::size_t most_images() const {
    return images_per_pass(manifest.image, device->options().max_batch, device->torch_device().is_cpu());
  }

  const DevicePtr device;
  const CaptionManifest manifest;
  Module vision, decoder;
  // What captions alone are guessed with. Only on the CPU, so it is never moved; none for bundles of before `step_each`.
  const std::optional<Module> guesser;
  DecodeGraphs graphs;
  GuessCounts guess_counts;
};

CaptionModel::CaptionModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptionModel::~CaptionModel() = default;

std::shared_ptr<CaptionModel> CaptionModel::open(DevicePtr device, const std::filesystem::path& folder, bool verify_hashes) {
  CaptionManifest manifest = open_caption_bundle(folder, verify_hashes);
  ops::register_operators();
  return std::shared_ptr<CaptionModel>(new CaptionModel(std::make_unique<State>(std::move(device), std::move(manifest), folder)));
}

const CaptionManifest& CaptionModel::manifest() const noexcept { return state_->manifest; }
const DevicePtr& CaptionModel::device() const noexcept { return state_->device; }
const GuessCounts& CaptionModel::guess_counts() const noexcept { return state_->guess_counts; }

Captions CaptionModel::generate(const std::vector<ImageView>& images, const GenerateOptions& options, const CancelToken* token) const {
  check_options(options, state_->manifest);
  state_->move_to(state_->device->torch_device());
  const std::size_t most = state_->device->options().max_batch;
  Captions captions;
  for (std::size_t first = 0; first < images.size(); first += most) {
    const std::size_t end = std::min(first + most, images.size());
    std::vector<at::Tensor> embeds;
    for (std::size_t at = first; at < end; at += state_->most_images()) {
      if (token) token->check();
      const std::size_t last = std::min(at + state_->most_images(), end);
      const auto begin = images.begin();
      embeds.push_back(
          state_->image_embeds(transform_all({begin + static_cast<std::ptrdiff_t>(at), begin + static_cast<std::ptrdiff_t>(last)},
                                             state_->manifest.image, state_->device->torch_device(), state_->vision.dtype())));
    }
    const std::unique_ptr<GreedyDecoding> decoding = state_->decode(embeds, options.max_tokens);
    while (!decoding->done()) {
      if (token) token->check();
      decoding->advance();
    }
    state_->count(*decoding);
    for (std::size_t image = 0; image < end - first; ++image) captions.push_back(decoding->take_caption(image));
  }
  return captions;
}

class CaptionModel::CaptionJob final : public Job {
 public:
  CaptionJob(std::shared_ptr<const CaptionModel> model, SharedImage image, const GenerateOptions& options,
             std::function<void(Caption)> take)
      : model_(std::move(model)), image_(std::move(image)), options_(options), take_(std::move(take)) {}

  MergeKey key() const override {
    return {reinterpret_cast<std::uintptr_t>(model_.get()), static_cast<std::uintptr_t>(options_.max_tokens)};
  }
  std::size_t most() const override { return model_->state_->device->options().max_batch; }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override;

 private:
  friend class CaptionModel::CaptionPass;
  const std::shared_ptr<const CaptionModel> model_;
  const SharedImage image_;
  const GenerateOptions options_;
  const std::function<void(Caption)> take_;
};

/// Images that are captioned together: first through the vision tower, some a slice, then a pass of the decoder, or of its guesser, a
/// slice.
class CaptionModel::CaptionPass final : public PassBatch {
 public:
  explicit CaptionPass(std::vector<JobPtr> jobs) : PassBatch(jobs.size()) {
    for (JobPtr& job : jobs) jobs_.emplace_back(static_cast<CaptionJob*>(job.release()));
  }

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    model_ = jobs_[left.front()]->model_;
    State& state = *model_->state_;
    state.move_to(state.device->torch_device());
    const auto unseen = std::find_if(left.begin(), left.end(), [&](std::size_t place) { return place >= next_; });
    if (unseen != left.end()) {
      const auto count = std::min(static_cast<std::ptrdiff_t>(state.most_images()), left.end() - unseen);
      return see(state, {unseen, unseen + count});
    }
    if (!decoding_) decoding_ = state.decode(std::exchange(embeds_, {}), jobs_[left.front()]->options_.max_tokens);
    for (std::size_t image = 0; image < place_of_.size(); ++image) {
      if (!std::binary_search(left.begin(), left.end(), place_of_[image])) decoding_->drop(image);
    }
    std::vector<Ended> ended;
    for (const std::size_t image : decoding_->advance()) {
      const std::unique_ptr<CaptionJob> job = std::move(jobs_[place_of_[image]]);
      ended.push_back({place_of_[image], error_of([&] { job->take_(decoding_->take_caption(image)); })});
    }
    return ended;
  }

  /// The vision tower's pass over these. Bad images end.
  std::vector<Ended> see(const State& state, const std::vector<std::size_t>& places) {
    std::vector<ImageView> images;
    for (const std::size_t place : places) images.push_back(jobs_[place]->image_.view);
    ImageBatch batch = transform_images(images, state.manifest.image, state.device->torch_device(), state.vision.dtype());
    if (batch.pixels.size(0) > 0) {
      embeds_.push_back(state.image_embeds(batch.pixels));
      finish_on(state.device->torch_device());
    }
    next_ = places.back() + 1;
    std::vector<Ended> ended;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (batch.errors[i]) {
        jobs_[places[i]] = nullptr;
        ended.push_back({places[i], std::move(batch.errors[i])});
      } else {
        place_of_.push_back(places[i]);
      }
    }
    return ended;
  }

  void end_pass() override {
    if (decoding_) model_->state_->count(*decoding_);
    decoding_.reset();
    embeds_.clear();
    place_of_.clear();
    next_ = 0;
  }

  std::vector<std::unique_ptr<CaptionJob>> jobs_;  // by place; null once ended
  // Of the pass that is under way:
  std::shared_ptr<const CaptionModel> model_;
  std::size_t next_ = 0;  // the vision tower has seen the places before it
  std::vector<at::Tensor> embeds_;
  std::vector<std::size_t> place_of_;  // by image of the decoding
  std::unique_ptr<GreedyDecoding> decoding_;
};

std::unique_ptr<Batch> CaptionModel::CaptionJob::begin(std::vector<JobPtr> jobs) { return std::make_unique<CaptionPass>(std::move(jobs)); }

void CaptionModel::submit_generate(std::shared_ptr<const CaptionModel> model, SharedImage image, const GenerateOptions& options,
                                   std::function<void(Caption)> take, Device::Done done, CancelTokenPtr token) {
  check_options(options, model->manifest());
  const DevicePtr device = model->device();
  device->submit(std::make_unique<CaptionJob>(std::move(model), std::move(image), options, std::move(take)), std::move(done),
                 std::move(token));
}

void CaptionModel::offload() {
  state_->graphs.clear();
  state_->move_to(c10::Device(c10::kCPU));
}
void CaptionModel::restore() { state_->move_to(state_->device->torch_device()); }

}  // namespace interrogator
