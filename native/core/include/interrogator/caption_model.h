// An image captioner: an image into token ids, greedily.
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
};

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

  /// One image as a job for the device: the ids that transformers' greedy generate returns after the prompt, the end token
  /// included where reached, no padding. A slice is a pass of the decoder, or of the drafter. Images with the same options that wait
  /// together are decoded together, and each leaves with its own last token. `take` has the ids, on the
  /// device's thread, before the job ends.
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
