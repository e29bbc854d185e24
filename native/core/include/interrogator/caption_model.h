// An image captioner: an image into token ids, greedily.
#pragma once

#include <cstdint>
#include <filesystem>
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

/// How tokens that were guessed ahead fared (docs/performance.md).
struct GuessCounts {
  std::int64_t guessed = 0, right = 0;
};

class CaptionModel {
 public:
  /// Loads the bundle. On the device's thread. Throws kBundle*, kRuntime, kOutOfMemory.
  static std::shared_ptr<CaptionModel> open(DevicePtr device, const std::filesystem::path& folder, bool verify_hashes = true);
  ~CaptionModel();

  const CaptionManifest& manifest() const noexcept;
  const DevicePtr& device() const noexcept;

  /// One list of ids an image: what transformers' greedy generate returns after the prompt, the
  /// end token included where reached, no padding. The token is read before every pass of the decoder.
  std::vector<std::vector<std::int32_t>> generate(const std::vector<ImageView>& images, const GenerateOptions& options,
                                                  const CancelToken* token = nullptr) const;

  /// One image as a job of the device, a pass of the decoder, or of its guesser, a slice. Images with the same options that wait
  /// together are decoded together, and each leaves with its own last token. `take` has the ids, on the
  /// device's thread, before `done` hears of success; an image that cannot be used fails alone. Throws as
  /// Device::submit does.
  static void submit_generate(std::shared_ptr<const CaptionModel> model, SharedImage image, const GenerateOptions& options,
                              std::function<void(std::vector<std::int32_t>)> take, Device::Done done, CancelTokenPtr token = nullptr);

  /// Of all captions so far. On the device's thread.
  const GuessCounts& guess_counts() const noexcept;

  void offload();
  void restore();

 private:
  class CaptionJob;
  class CaptionPass;
  struct State;
  explicit CaptionModel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace interrogator
