#include "interrogator/caption_model.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "decode_graph.h"
#include "image_batch.h"
#include "interrogator/error.h"
#include "module.h"
#include "ops/operators.h"
#include "pass_batch.h"
#include "transfer.h"

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

/// Greedy decoding of one batch, a token of each caption at a time. A row is a picture whose caption may still grow.
class GreedyDecoding {
 public:
  GreedyDecoding(const Module& decoder, const CaptionManifest& manifest, DecodeGraphs& graphs, std::int64_t max_tokens,
                 const at::Tensor& image_embeds)
      : decoder_(decoder),
        manifest_(manifest),
        max_tokens_(max_tokens),
        graphed_(graphs),
        captions_(static_cast<std::size_t>(image_embeds.size(0))),
        finished_(captions_.size()) {
    const std::int64_t batch = image_embeds.size(0);
    auto crossed = decoder.call_tuple("cross", {image_embeds}, 2);
    caches_.cross_keys = std::move(crossed[0]);
    caches_.cross_values = std::move(crossed[1]);
    const auto prompt = static_cast<std::int64_t>(manifest.prompt_ids.size());
    const std::vector<std::int64_t> shape{manifest.layers, batch, manifest.heads, prompt + max_tokens, manifest.head_dim};
    caches_.keys = at::zeros(shape, image_embeds.options());
    caches_.values = at::zeros(shape, image_embeds.options());
    graphed_.adopt(caches_, 0);
    ids_ = at::tensor(manifest.prompt_ids).unsqueeze(0).repeat({batch, 1});
    for (std::int64_t row = 0; row < batch; ++row) picture_of_row_.push_back(static_cast<std::size_t>(row));
    open_ = picture_of_row_.size();
  }

  bool done() const noexcept { return open_ == 0; }

  /// One step. Returns the pictures whose captions it ended.
  std::vector<std::size_t> advance() {
    if (open_ * 2 <= picture_of_row_.size()) drop_finished(position_);
    const at::Tensor next = step(position_);
    position_ += ids_.size(1);
    ids_ = next.unsqueeze(1);
    return take(next);
  }

  /// Its caption is not wanted any more.
  void drop(std::size_t picture) {
    if (!finished_[picture]) finish(picture);
  }

  Caption take_caption(std::size_t picture) { return std::move(captions_[picture]); }

 private:
  void finish(std::size_t picture) {
    finished_[picture] = true;
    --open_;
  }

  /// The most likely next id of each row, int64 on the CPU; the lowest among equals.
  at::Tensor step(std::int64_t position) {
    const auto next = [this, position](const at::Tensor& ids, const DecodeCaches& caches) { return next_ids(ids, position, caches); };
    return download({graphed_.step(ids_, position, caches_, next)})[0];
  }

  at::Tensor next_ids(const at::Tensor& ids, std::int64_t position, const DecodeCaches& caches) const {
    const at::Tensor logits = decoder_.call("step", {ids, position, caches.keys, caches.values, caches.cross_keys, caches.cross_values});
    if (logits.dim() != 2 || logits.size(0) != ids.size(0) || logits.size(1) != manifest_.vocab_size) {
      throw Error(ErrorCode::kBundleInvalid, manifest_.decoder_file + " gives logits of shape " + c10::str(logits.sizes()) +
                                                 " where the manifest says vocabSize " + std::to_string(manifest_.vocab_size) +
                                                 "; export the bundle again");
    }
    return logits.argmax(1);
  }

  std::vector<std::size_t> take(const at::Tensor& next) {
    const std::int64_t* const ids = next.const_data_ptr<std::int64_t>();
    std::vector<std::size_t> ended;
    for (std::size_t row = 0; row < picture_of_row_.size(); ++row) {
      const std::size_t picture = picture_of_row_[row];
      if (finished_[picture]) continue;
      Caption& caption = captions_[picture];
      caption.push_back(static_cast<std::int32_t>(ids[row]));
      if (ids[row] != manifest_.eos_id && static_cast<std::int64_t>(caption.size()) < max_tokens_) continue;
      finish(picture);
      ended.push_back(picture);
    }
    return ended;
  }

  /// Copies the caches of what goes on. Only once half of the rows are done: each copy costs about
  /// as much as a step reads.
  void drop_finished(std::int64_t position) {
    std::vector<std::int64_t> kept;
    std::vector<std::size_t> pictures;
    for (std::size_t row = 0; row < picture_of_row_.size(); ++row) {
      if (finished_[picture_of_row_[row]]) continue;
      kept.push_back(static_cast<std::int64_t>(row));
      pictures.push_back(picture_of_row_[row]);
    }
    const at::Tensor rows = at::tensor(kept);
    ids_ = ids_.index_select(0, rows);
    const at::Tensor device_rows = upload(rows, caches_.keys.device());
    for (at::Tensor* const cache : {&caches_.keys, &caches_.values, &caches_.cross_keys, &caches_.cross_values}) {
      *cache = cache->index_select(1, device_rows);
    }
    graphed_.adopt(caches_, position);
    picture_of_row_ = std::move(pictures);
  }

  const Module& decoder_;
  const CaptionManifest& manifest_;
  const std::int64_t max_tokens_;
  DecodeCaches caches_;  // of prompt + max_tokens positions, or more
  GraphedDecoding graphed_;
  at::Tensor ids_;  // int64 [rows, T] on the CPU: what the next step reads
  std::vector<std::size_t> picture_of_row_;
  std::size_t open_ = 0;  // pictures that are not finished
  std::int64_t position_ = 0;
  Captions captions_;
  std::vector<bool> finished_;  // by picture; dropped ones too
};

}  // namespace

struct CaptionModel::State {
  State(DevicePtr owner, CaptionManifest read, const std::filesystem::path& folder)
      : device(std::move(owner)),
        manifest(std::move(read)),
        vision(Module::load(folder / manifest.vision_file, device->torch_device(), {"forward"})),
        decoder(Module::load(folder / manifest.decoder_file, device->torch_device(), {"cross", "step"})),
        graphs(device_graphs(device->torch_device())) {}

  void move_to(c10::Device target) {
    vision.move_to(target);
    decoder.move_to(target);
  }

  /// pixels as transform_images makes them.
  at::Tensor image_embeds(const at::Tensor& pixels) const { return vision.call("forward", {pixels}).to(decoder.dtype()); }

  std::size_t most_pictures() const {
    return pictures_per_pass(manifest.image, device->options().max_batch, device->torch_device().is_cpu());
  }

  const DevicePtr device;
  const CaptionManifest manifest;
  Module vision, decoder;
  DecodeGraphs graphs;
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

Captions CaptionModel::generate(const std::vector<ImageView>& images, const GenerateOptions& options, const CancelToken* token) const {
  check_options(options, state_->manifest);
  state_->move_to(state_->device->torch_device());
  const std::size_t most = state_->device->options().max_batch;
  Captions captions;
  for (std::size_t first = 0; first < images.size(); first += most) {
    const std::size_t end = std::min(first + most, images.size());
    std::vector<at::Tensor> embeds;
    for (std::size_t at = first; at < end; at += state_->most_pictures()) {
      if (token) token->check();
      const std::size_t last = std::min(at + state_->most_pictures(), end);
      const auto begin = images.begin();
      embeds.push_back(
          state_->image_embeds(transform_all({begin + static_cast<std::ptrdiff_t>(at), begin + static_cast<std::ptrdiff_t>(last)},
                                             state_->manifest.image, state_->device->torch_device(), state_->vision.dtype())));
    }
    GreedyDecoding decoding(state_->decoder, state_->manifest, state_->graphs, options.max_tokens, at::cat(embeds));
    while (!decoding.done()) {
      if (token) token->check();
      decoding.advance();
    }
    for (std::size_t picture = 0; picture < end - first; ++picture) captions.push_back(decoding.take_caption(picture));
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

/// Pictures that are captioned together: first through the vision tower, some a slice, then a decode step a slice.
class CaptionModel::CaptionPass final : public PassBatch {
 public:
  explicit CaptionPass(std::vector<JobPtr> jobs) : PassBatch(jobs.size()) {
    for (JobPtr& job : jobs) jobs_.emplace_back(static_cast<CaptionJob*>(job.release()));
  }

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    const std::shared_ptr<const CaptionModel> model = jobs_[left.front()]->model_;
    State& state = *model->state_;
    state.move_to(state.device->torch_device());
    const auto unseen = std::find_if(left.begin(), left.end(), [&](std::size_t place) { return place >= next_; });
    if (unseen != left.end()) {
      const auto count = std::min(static_cast<std::ptrdiff_t>(state.most_pictures()), left.end() - unseen);
      return see(state, {unseen, unseen + count});
    }
    if (!decoding_) {
      const std::int64_t max_tokens = jobs_[left.front()]->options_.max_tokens;
      decoding_.emplace(state.decoder, state.manifest, state.graphs, max_tokens, at::cat(std::exchange(embeds_, {})));
    }
    for (std::size_t picture = 0; picture < place_of_.size(); ++picture) {
      if (!std::binary_search(left.begin(), left.end(), place_of_[picture])) decoding_->drop(picture);
    }
    std::vector<Ended> ended;
    for (const std::size_t picture : decoding_->advance()) {
      const std::unique_ptr<CaptionJob> job = std::move(jobs_[place_of_[picture]]);
      ended.push_back({place_of_[picture], error_of([&] { job->take_(decoding_->take_caption(picture)); })});
    }
    return ended;
  }

  /// The vision tower's pass over these. Bad pictures end.
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
    decoding_.reset();
    embeds_.clear();
    place_of_.clear();
    next_ = 0;
  }

  std::vector<std::unique_ptr<CaptionJob>> jobs_;  // by place; null once ended
  // Of the pass that is under way:
  std::size_t next_ = 0;  // the vision tower has seen the places before it
  std::vector<at::Tensor> embeds_;
  std::vector<std::size_t> place_of_;  // by picture of the decoding
  std::optional<GreedyDecoding> decoding_;
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
