// The distinct token prefixes of a set of texts, as text.pt's `extend` takes them.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "clip/text_tower.h"

namespace interrogator {

/// Node m continues the shared prefix; see docs/bundle-format.md. All int64. Nodes are
/// in depth-first order of the sorted texts.
struct PrefixTree {
  at::Tensor ids;        ///< [M]
  at::Tensor depth;      ///< [M], 0 follows the shared prefix
  at::Tensor ancestors;  ///< [M, A], A = deepest + 1; the path down to m, m included, then -1
  at::Tensor ends;       ///< [N], the last node of each text; equal texts share one
};

/// One tree and the texts whose features it gives.
struct TextBlock {
  PrefixTree tree;                  ///< ends: one for each distinct text
  at::Tensor row_of;                ///< int64 [N]: which of the ends is texts[n]'s
  std::vector<std::int64_t> texts;  ///< N
};

struct BlockLimits {
  std::int64_t max_nodes = 1;    ///< a text that alone has more is a block of its own
  std::int64_t parts = 1;        ///< blocks that are computed at the same time: their number is a multiple of it ...
  std::int64_t least_nodes = 1;  ///< ... unless some would have fewer nodes than this: then as few blocks as there can be
};

/// Sorts texts by their tokens, so that neighbours share prefixes, and cuts them into blocks of about equal size. Each
/// text is in exactly one block.
class TextBlocks final : public PreparedTexts {
 public:
  /// suffixes as cut_suffixes gives them: none is empty.
  TextBlocks(TokenLists suffixes, const BlockLimits& limits);

  /// Builds all blocks now, on this device, and keeps them: for texts that are encoded again and again.
  void keep_on(c10::Device device) override;

  std::size_t count() const noexcept { return starts_.empty() ? 0 : starts_.size() - 1; }
  /// Kept or built now, on the CPU. From any thread.
  std::shared_ptr<const TextBlock> block(std::size_t index) const;

 private:
  TokenLists suffixes_;
  std::vector<std::int64_t> order_;  ///< texts, sorted
  std::vector<std::size_t> starts_;  ///< block i is order_[starts_[i] .. starts_[i+1])
  std::vector<std::shared_ptr<const TextBlock>> kept_;
};

}  // namespace interrogator
