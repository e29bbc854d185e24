// An image captioner: an image into token ids.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "interrogator/device.h"
#include "interrogator/image_view.h"

namespace interrogator {

struct GenerateOptions {
  std::int64_t max_tokens = 32;  ///< most new tokens, the end token counted, 1 … max_positions - prompt + 1
  // The rest as transformers' generate has it. With these defaults captions are greedy.
  std::int64_t num_beams = 1;             ///< 1: greedy; at most kMostBeams, and half of the vocabulary
  std::int64_t min_length = 0;            ///< of all ids that generate returns, what stands for the image and the prompt counted
  double repetition_penalty = 1;          ///< above 0
  std::int64_t no_repeat_ngram_size = 0;  ///< 0: n-grams may repeat
  std::vector<std::int32_t> prompt;       ///< a text's ids without start and end token, from which the caption goes on
};

constexpr std::int64_t kMostBeams = 64;

/// How many tokens were drafted, and how many of them the decoder accepted (docs/performance.md).
struct DraftCounts {
  std::int64_t drafted = 0, accepted = 0;
};

class CaptionModel {
 public:
  /// Loads the bundle. On the device's thread. Throws kBundle*, kWeightsInvalid, kIo, kRuntime, kOutOfMemory; kAborted once `cancel` is
  /// cancelled, which is looked at before each tensor of a file of weights. `cancel` may be null.
  static std::shared_ptr<CaptionModel> open(DevicePtr device, const BundleSource& source, CancelTokenPtr cancel = nullptr);
  ~CaptionModel();

  const CaptionManifest& manifest() const noexcept;
  const DevicePtr& device() const noexcept;

  /// One image as a job for the device: the ids that transformers' generate returns after the prompt, the end token
  /// included where reached, no padding. A slice is a pass of the decoder, or of the drafter. Images with the same options that wait
  /// together are decoded together, those with beams fewer at once, and each leaves with its own last token. `take` has the ids, on the
  /// device's thread, before the job ends. Throws kInvalidArgument for options that the model cannot have.
  static JobPtr caption_job(std::shared_ptr<const CaptionModel> model, SharedImage image, const GenerateOptions& options,
                            std::function<void(std::vector<std::int32_t>)> take);

  /// Of all captions so far. On the device's thread.
  const DraftCounts& draft_counts() const noexcept;

  void offload();
  void restore();

 private:
  struct CaptionRequest;
  class CaptionPass;
  struct State;
  explicit CaptionModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
