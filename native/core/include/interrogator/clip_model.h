// A CLIP model: pictures and texts into one space of unit features.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "interrogator/features.h"
#include "interrogator/image_view.h"
#include "interrogator/sliced.h"

namespace interrogator {

/// Token ids of many texts, one after another: text i is ids[offsets[i] .. offsets[i+1]).
/// Without start and end tokens; the model adds them and cuts to the context as open_clip's
/// tokenizer does (first context_length ids, the last replaced by the end token).
struct TokenLists {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> offsets;  ///< count + 1 entries, rising, first 0, last ids.size()
  std::size_t count() const noexcept { return offsets.empty() ? 0 : offsets.size() - 1; }
};

using Progress = std::function<void(std::size_t done, std::size_t total)>;

struct StepOptions {
  std::vector<std::int32_t> exclude;  ///< candidate indices that are no longer in play
  bool reverse = false;               ///< find the least similar
};
struct StepResult {
  std::int32_t index = -1;  ///< the winner; the lowest index among equals
  float similarity = 0;     ///< its true cosine similarity (not negated under reverse)
};

class ClipModel;

/// The candidates of a chain, tokenised once, their tree built once. best() is one chain step.
class PromptTree {
 public:
  PromptTree(std::shared_ptr<ClipModel> model, TokenLists candidates);
  ~PromptTree();
  std::size_t count() const noexcept;
  /// Ranks prefix+candidate for every candidate not excluded against features (1 × dim).
  /// On the device's thread. Throws kInvalidArgument where none is left.
  StepResult best(const std::vector<std::int32_t>& prefix_ids, const Features& features, const StepOptions& options,
                  const CancelToken* token = nullptr) const;
  /// The same in slices, a block of texts each. The tree outlives it.
  SlicedPtr<StepResult> begin_best(const std::vector<std::int32_t>& prefix_ids, const Features& features, const StepOptions& options) const;

 private:
  class Best;
  struct Prepared;
  /// What a step needs of the candidates, kept from step to step. On the device's thread.
  std::shared_ptr<const Prepared> prepare(std::int64_t room, const std::vector<std::int32_t>& left) const;

  std::shared_ptr<ClipModel> model_;
  TokenLists candidates_;
  std::int32_t longest_ = 0;
  mutable std::shared_ptr<const Prepared> prepared_;
};

class ClipModel {
 public:
  /// Loads the bundle. On the device's thread. Throws kBundle*, kRuntime, kOutOfMemory.
  static std::shared_ptr<ClipModel> open(DevicePtr device, const std::filesystem::path& folder, bool verify_hashes = true);
  ~ClipModel();

  const ClipManifest& manifest() const noexcept;
  const DevicePtr& device() const noexcept;

  /// B pictures → B × embed_dim unit features. On the device's thread.
  Features image_features(const std::vector<ImageView>& images, const CancelToken* token = nullptr) const;
  /// One picture → 1 × embed_dim, as a job of the device: pictures that wait together go through in one
  /// pass. `take` has the features, on the device's thread, before `done` hears of success; a picture
  /// that cannot be used fails alone. Throws as Device::submit does.
  static void submit_image_features(std::shared_ptr<const ClipModel> model, SharedImage image, std::function<void(Features)> take,
                                    Device::Done done, CancelTokenPtr token = nullptr);
  /// N texts → N × embed_dim unit features, through the prefix tree, in blocks that bound memory.
  Features text_features(const TokenLists& texts, const CancelToken* token = nullptr, const Progress& progress = {}) const;
  /// As text_features with `prefix` before every text (start token added before it).
  Features text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const CancelToken* token = nullptr,
                         const Progress& progress = {}) const;
  /// The same in slices, a block of texts each. The model outlives it; `texts` need not.
  SlicedPtr<Features> begin_text_features(const std::vector<std::int32_t>& prefix, const TokenLists& texts, Progress progress = {}) const;

  /// Moves the weights to the host and back (clipOffload). On the device's thread. Idempotent;
  /// nothing to do on the CPU. A call that computes restores first.
  void offload();
  void restore();

 private:
  friend class PromptTree;
  class ImageJob;
  class ImagePass;
  class TextFeatures;
  struct State;
  explicit ClipModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
