// The candidates of a chain and one step of it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "interrogator/features.h"
#include "interrogator/sliced.h"
#include "interrogator/token_lists.h"

namespace interrogator {

struct StepOptions {
  std::vector<std::int32_t> exclude;  ///< candidate indices that are no longer in play
  bool reverse = false;               ///< find the least similar
};
struct StepResult {
  std::int32_t index = -1;  ///< the winner; the lowest index among equals
  float similarity = 0;     ///< its true cosine similarity (not negated under reverse)
};

class ClipModel;

/// The candidates of a chain, tokenised once, their tree built once.
class PromptTree {
 public:
  PromptTree(std::shared_ptr<ClipModel> model, TokenLists candidates);
  ~PromptTree();
  std::size_t count() const noexcept;
  /// One chain step: ranks prefix+candidate for every candidate not excluded against features (1 × dim), a block of texts a slice.
  /// On the device's thread. The tree outlives it. Throws kInvalidArgument where no candidate is left.
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

}  // namespace interrogator
