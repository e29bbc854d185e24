#include "interrogator/caption_model.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <string>
#include <utility>

#include "decode_graph.h"
#include "interrogator/error.h"
#include "module.h"
#include "ops/image_transform_cuda.h"
#include "transfer.h"

namespace interrogator {

namespace {

using Captions = std::vector<std::vector<std::int32_t>>;

void check_options(const GenerateOptions& options, const CaptionManifest& manifest) {
  // The last new token is not fed back, so it needs no position.
  const std::int64_t most = manifest.max_positions - static_cast<std::int64_t>(manifest.prompt_ids.size()) + 1;
  if (options.max_tokens < 1 || options.max_tokens > most) {
    throw Error(ErrorCode::kInvalidArgument,
                "maxTokens is " + std::to_string(options.max_tokens) + "; '" + manifest.name + "' takes 1 to " + std::to_string(most));
  }
}

/// Greedy decoding of one batch. A row is a picture whose caption may still grow.
class GreedyDecoding {
 public:
  GreedyDecoding(const Module& decoder, const CaptionManifest& manifest, DecodeGraphs& graphs, std::int64_t max_tokens,
                 const at::Tensor& image_embeds)
      : decoder_(decoder),
        manifest_(manifest),
        max_tokens_(max_tokens),
        graphed_(graphs),
        captions_(static_cast<std::size_t>(image_embeds.size(0))) {
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

  Captions run(const CancelToken* token) {
    std::int64_t position = 0;
    for (std::int64_t made = 0; made < max_tokens_ && open_ > 0; ++made) {
      if (token) token->check();
      const at::Tensor next = step(position);
      position += ids_.size(1);
      take(next);
      ids_ = next.unsqueeze(1);
      if (open_ * 2 <= picture_of_row_.size()) drop_finished(position);
    }
    return std::move(captions_);
  }

 private:
  bool finished(std::size_t row) const {
    const auto& caption = captions_[picture_of_row_[row]];
    return !caption.empty() && caption.back() == manifest_.eos_id;
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

  void take(const at::Tensor& next) {
    const std::int64_t* const ids = next.const_data_ptr<std::int64_t>();
    for (std::size_t row = 0; row < picture_of_row_.size(); ++row) {
      if (finished(row)) continue;
      captions_[picture_of_row_[row]].push_back(static_cast<std::int32_t>(ids[row]));
      if (ids[row] == manifest_.eos_id) --open_;
    }
  }

  /// Copies the caches of what goes on. Only once half of the rows are done: each copy costs about
  /// as much as a step reads.
  void drop_finished(std::int64_t position) {
    std::vector<std::int64_t> kept;
    std::vector<std::size_t> pictures;
    for (std::size_t row = 0; row < picture_of_row_.size(); ++row) {
      if (finished(row)) continue;
      kept.push_back(static_cast<std::int64_t>(row));
      pictures.push_back(picture_of_row_[row]);
    }
    if (kept.empty()) return;
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
  std::size_t open_ = 0;  // rows that are not finished
  Captions captions_;
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

  at::Tensor image_embeds(const std::vector<ImageView>& images, std::size_t first, std::size_t count, const CancelToken* token) const {
    std::vector<at::Tensor> pixels;
    for (std::size_t i = first; i < first + count; ++i) {
      if (token) token->check();
      pixels.push_back(ops::image_transform_on(images[i], manifest.image, device->torch_device(), vision.dtype()));
    }
    if (token) token->check();
    return vision.call("forward", {at::stack(pixels)}).to(decoder.dtype());
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
    const std::size_t count = std::min(most, images.size() - first);
    GreedyDecoding decoding(state_->decoder, state_->manifest, state_->graphs, options.max_tokens,
                            state_->image_embeds(images, first, count, token));
    for (auto& caption : decoding.run(token)) captions.push_back(std::move(caption));
  }
  return captions;
}

void CaptionModel::offload() {
  state_->graphs.clear();
  state_->move_to(c10::Device(c10::kCPU));
}
void CaptionModel::restore() { state_->move_to(state_->device->torch_device()); }

}  // namespace interrogator
