// A CLIP model: images and texts into one space of unit features.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "interrogator/features.h"
#include "interrogator/image_view.h"
#include "interrogator/sliced.h"
#include "interrogator/token_lists.h"

namespace interrogator {

class PromptTree;

using Progress = std::function<void(std::size_t done, std::size_t total)>;

class ClipModel {
 public:
  /// Loads the bundle. On the device's thread. Throws kBundle*, kWeightsInvalid, kIo, kRuntime, kOutOfMemory; kAborted once `cancel` is
  /// cancelled, which is looked at before each tensor of a file of weights. `cancel` may be null.
  static std::shared_ptr<ClipModel> open(DevicePtr device, const BundleSource& source, CancelTokenPtr cancel = nullptr);
  ~ClipModel();

  const ClipManifest& manifest() const noexcept;
  const Logits& logits() const noexcept;
  const DevicePtr& device() const noexcept;

  /// One image → 1 × embed_dim, as a job for the device: images that wait together go through in one
  /// pass. `take` has the features, on the device's thread, before the job ends.
  static JobPtr image_job(std::shared_ptr<const ClipModel> model, SharedImage image, std::function<void(Features)> take);

  /// N texts, each after `prefix` and the start token → N × embed_dim unit features, through the prefix tree, a block of texts a
  /// slice. On the device's thread. The model outlives it; `texts` need not.
  SlicedPtr<Features> begin_text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts, Progress progress = {}) const;

  /// Moves the weights to the host and back (clipOffload). On the device's thread. Idempotent;
  /// nothing to do on the CPU. A call that computes restores first.
  void offload();
  void restore();

 private:
  friend class PromptTree;
  struct ImageRequest;
  class ImagePass;
  class TextFeatures;
  struct State;
  explicit ClipModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
