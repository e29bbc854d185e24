#include "interrogator/caption_model.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "caption/beam_decoding.h"
#include "caption/decode_graph.h"
#include "caption/greedy_decoding.h"
#include "device/transfer.h"
#include "images/image_batch.h"
#include "interrogator/error.h"
#include "ops/operators.h"
#include "queue/merged_job.h"
#include "weights/bundle.h"
#include "weights/module.h"

namespace interrogator {

namespace {

using Caption = std::vector<std::int32_t>;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kInvalidArgument, what); }

void check_length(const GenerateOptions& options, const CaptionManifest& manifest) {
  const auto prompt = static_cast<std::int64_t>(options.prompt.size());
  // The last new token is not fed back, so it needs no position.
  const std::int64_t positions = manifest.max_positions - static_cast<std::int64_t>(manifest.prompt_ids.size()) + 1;
  if (prompt >= positions) {
    refuse("prompt has " + std::to_string(prompt) + " tokens; '" + manifest.name + "' takes at most " + std::to_string(positions - 1));
  }
  const bool shared = !manifest.encoder_end_id && prompt > 0;
  const std::int64_t most = shared ? positions - prompt : positions;
  if (options.max_tokens < 1 || options.max_tokens > most) {
    refuse("maxTokens is " + std::to_string(options.max_tokens) + "; '" + manifest.name + "' takes 1 to " + std::to_string(most) +
           (shared ? " after this prompt" : ""));
  }
}

void check_options(const GenerateOptions& options, const CaptionManifest& manifest) {
  check_length(options, manifest);
  for (const std::int32_t id : options.prompt) {
    if (id < 0 || id >= manifest.vocab_size) refuse("prompt has the id " + std::to_string(id) + ", which '" + manifest.name + "' has not");
  }
  const std::int64_t most_beams = std::min(kMostBeams, manifest.vocab_size / 2);
  if (options.num_beams < 1 || options.num_beams > most_beams) {
    refuse("numBeams is " + std::to_string(options.num_beams) + "; '" + manifest.name + "' takes 1 to " + std::to_string(most_beams));
  }
  if (options.min_length < 0) refuse("minLength is " + std::to_string(options.min_length) + ", expected 0 or more");
  if (options.no_repeat_ngram_size < 0) {
    refuse("noRepeatNgramSize is " + std::to_string(options.no_repeat_ngram_size) + ", expected 0 or more");
  }
  if (!std::isfinite(options.repetition_penalty) || options.repetition_penalty <= 0) {
    refuse("repetitionPenalty is " + std::to_string(options.repetition_penalty) + ", expected a number above 0");
  }
}

/// Of what is decoded together.
MergeKey key_of(const CaptionModel& model, const GenerateOptions& options) {
  MergeKey key{reinterpret_cast<std::uintptr_t>(&model), std::bit_cast<std::uint64_t>(options.repetition_penalty)};
  for (const std::int64_t each : {options.max_tokens, options.num_beams, options.min_length, options.no_repeat_ngram_size}) {
    key.push_back(static_cast<std::uintptr_t>(each));
  }
  for (const std::int32_t id : options.prompt) key.push_back(static_cast<std::uintptr_t>(id));
  return key;
}

}  // namespace

struct CaptionModel::State {
  State(DevicePtr owner, const Bundle& bundle)
      : device(std::move(owner)),
        manifest(bundle.manifest().caption()),
        vision(bundle.load(manifest.vision_file, device->torch_device(), {"forward"}, device->options().image_products)),
        decoder(load_decoder(bundle)),
        images_at_once(vision.images_at_once(manifest.image.height * manifest.image.width)),
        independent_decoder(decoder.is_independent({"cross", "cross_text", "step", "step_each"})),
        drafter(decoder.has_method("step_each") ? decoder.quantized("step") : std::nullopt),
        graphs(device_graphs(device->torch_device())),
        bytes(Module::bytes_of({&vision, &decoder, drafter ? &*drafter : nullptr})) {
    device->count_weights(bytes);
  }
  ~State() { device->count_weights(-bytes); }

  Module load_decoder(const Bundle& bundle) const {
    if (manifest.encoder_end_id) return bundle.load(manifest.decoder_file, device->torch_device(), {"cross", "cross_text", "step"});
    return bundle.load(manifest.decoder_file, device->torch_device(), {"cross", "step"});
  }

  void move_to(c10::Device target) {
    vision.move_to(target);
    decoder.move_to(target);
  }

  std::unique_ptr<Decoding> decode(const std::vector<at::Tensor>& embeds, const GenerateOptions& options) {
    if (options.num_beams > 1) return std::make_unique<BeamDecoding>(decoder, manifest, options, at::cat(embeds));
    return std::make_unique<GreedyDecoding>(decoder, drafter ? &*drafter : nullptr, manifest, graphs, options, at::cat(embeds));
  }

  void count(const Decoding& decoding) {
    draft_counts.drafted += decoding.draft_counts().drafted;
    draft_counts.accepted += decoding.draft_counts().accepted;
  }

  /// pixels as transform_images makes them.
  at::Tensor image_embeds(const at::Tensor& pixels) const { return vision.forward(pixels, images_at_once).to(decoder.dtype()); }

  const DevicePtr device;
  const CaptionManifest manifest;
  Module vision, decoder;
  const std::int64_t images_at_once;  // most that go through the vision tower together
  const bool independent_decoder;     // it gives each image of a batch what it gets alone
  // Drafts for a caption that is alone. Only on the CPU, so it is never moved; none for bundles older than `step_each`.
  const std::optional<Module> drafter;
  DecodeGraphs graphs;
  const std::int64_t bytes;
  DraftCounts draft_counts;
};

CaptionModel::CaptionModel(std::unique_ptr<State> state) : state_(std::move(state)) {}
CaptionModel::~CaptionModel() = default;

std::shared_ptr<CaptionModel> CaptionModel::open(DevicePtr device, const BundleSource& source, CancelTokenPtr cancel) {
  const std::unique_ptr<const Bundle> bundle = Bundle::open(source, std::move(cancel));
  ops::register_operators();
  return std::shared_ptr<CaptionModel>(new CaptionModel(std::make_unique<State>(std::move(device), *bundle)));
}

const CaptionManifest& CaptionModel::manifest() const noexcept { return state_->manifest; }
const DevicePtr& CaptionModel::device() const noexcept { return state_->device; }
const DraftCounts& CaptionModel::draft_counts() const noexcept { return state_->draft_counts; }

struct CaptionModel::CaptionRequest {
  std::shared_ptr<const CaptionModel> model;
  SharedImage image;
  GenerateOptions options;
  std::function<void(Caption)> take;
};

/// Images that are captioned together. First they go through the vision tower, some a slice; then each slice is a pass of the decoder
/// or of its drafter.
class CaptionModel::CaptionPass final : public MergedPass<CaptionRequest> {
 public:
  using MergedPass::MergedPass;

 private:
  std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) override {
    model_ = request(left.front()).model;
    State& state = *model_->state_;
    state.move_to(state.device->torch_device());
    const auto unseen = std::find_if(left.begin(), left.end(), [&](std::size_t place) { return place >= next_; });
    if (unseen != left.end()) {
      const std::size_t most = images_per_pass(state.manifest.image, *state.device);
      const auto count = std::min(static_cast<std::ptrdiff_t>(most), left.end() - unseen);
      see(state, {unseen, unseen + count});
      return {};
    }
    if (!decoding_) decoding_ = state.decode(std::exchange(embeds_, {}), request(left.front()).options);
    for (std::size_t image = 0; image < place_of_.size(); ++image) {
      if (!std::binary_search(left.begin(), left.end(), place_of_[image])) decoding_->drop(image);
    }
    std::vector<Ended> ended;
    for (const std::size_t image : decoding_->advance()) {
      ended.push_back(end(place_of_[image], [&](CaptionRequest& request) { request.take(decoding_->take_caption(image)); }));
    }
    return ended;
  }

  /// The vision tower's pass over these.
  void see(const State& state, const std::vector<std::size_t>& places) {
    std::vector<ImageView> images;
    for (const std::size_t place : places) images.push_back(request(place).image.view);
    embeds_.push_back(
        state.image_embeds(transform_images(images, state.manifest.image, state.device->torch_device(), state.vision.dtype())));
    finish_on(state.device->torch_device());
    next_ = places.back() + 1;
    place_of_.insert(place_of_.end(), places.begin(), places.end());
  }

  void end_pass() override {
    if (decoding_) model_->state_->count(*decoding_);
    decoding_.reset();
    embeds_.clear();
    place_of_.clear();
    next_ = 0;
  }

  // Of the pass that is under way:
  std::shared_ptr<const CaptionModel> model_;
  std::size_t next_ = 0;  // the vision tower has seen the places before it
  std::vector<at::Tensor> embeds_;
  std::vector<std::size_t> place_of_;  // by image of the decoding
  std::unique_ptr<Decoding> decoding_;
};

JobPtr CaptionModel::caption_job(std::shared_ptr<const CaptionModel> model, SharedImage image, const GenerateOptions& options,
                                 std::function<void(Caption)> take) {
  check_options(options, model->manifest());
  MergeKey key = key_of(*model, options);
  // Beams are rows like images.
  const auto beams = static_cast<std::size_t>(options.num_beams);
  const std::size_t fit = std::max<std::size_t>(model->device()->options().max_batch / beams, 1);
  const std::size_t most = model->state_->independent_decoder ? fit : 1;
  return std::make_unique<MergedJob<CaptionRequest, CaptionPass>>(
      std::move(key), most, CaptionRequest{std::move(model), std::move(image), options, std::move(take)});
}

void CaptionModel::offload() {
  state_->graphs.clear();
  state_->move_to(c10::Device(c10::kCPU));
}
void CaptionModel::restore() { state_->move_to(state_->device->torch_device()); }

}  // namespace interrogator
