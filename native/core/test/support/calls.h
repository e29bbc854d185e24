// Whole calls on the calling thread, which has to be the device's, for tests and benchmarks; the product queues jobs and slices.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "interrogator/caption_model.h"
#include "interrogator/clip_model.h"
#include "interrogator/prompt_tree.h"

namespace interrogator::test {

/// Queues the work and waits. Rethrows what it threw, as Error. Not from the device's thread.
void run_on(const DevicePtr& device, std::function<void()> work, CancelTokenPtr token = nullptr);

/// The same, and gives back what the work returns.
template <class Work>
auto on(const DevicePtr& device, Work work, CancelTokenPtr token = nullptr) {
  using Result = decltype(work());
  if constexpr (std::is_void_v<Result>) {
    run_on(device, work, std::move(token));
  } else {
    std::optional<Result> result;
    run_on(device, [&] { result.emplace(work()); }, std::move(token));
    return std::move(*result);
  }
}

/// All slices in a row. The token is read before each.
template <class Result>
Result run_to_end(Sliced<Result>& computation, const CancelToken* token = nullptr) {
  do {
    if (token) token->check();
  } while (!computation.advance());
  return computation.take();
}

/// Images → one row each. Throws the error of the first that cannot be used.
Features image_features(const std::shared_ptr<ClipModel>& model, const std::vector<ImageView>& images);
/// Images → the token ids of each one's caption.
std::vector<std::vector<std::int32_t>> generate(const std::shared_ptr<CaptionModel>& model, const std::vector<ImageView>& images,
                                                const GenerateOptions& options, const CancelToken* token = nullptr);

Features text_features(const ClipModel& model, const std::vector<std::int32_t>& prefix, const TokenLists& texts,
                       const CancelToken* token = nullptr, const Progress& progress = {});
StepResult best(const PromptTree& tree, const std::vector<std::int32_t>& prefix, const Features& features, const StepOptions& options,
                const CancelToken* token = nullptr);

}  // namespace interrogator::test
