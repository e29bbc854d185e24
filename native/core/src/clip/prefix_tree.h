// The distinct token prefixes of a set of texts, as text.pt's `extend` takes them.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "interrogator/token_lists.h"

namespace interrogator {

/// Node m continues the shared prefix; see docs/bundle-format.md. All int64. Nodes are
/// in depth-first order of the sorted texts.
struct PrefixTree {
  at::Tensor ids;        ///< [M]
  at::Tensor depth;      ///< [M], 0 follows the shared prefix
  at::Tensor ancestors;  ///< [M, A], A = deepest + 1; the path down to m, m included, then -1
  at::Tensor ends;       ///< [N], the last node of each text; equal texts share one
};

/// A text tower's bounds.
struct TextLimits {
  std::int64_t context_length = 0, sot_id = 0, eot_id = 0;
};

/// What all texts share, and how much each may add.
struct CutPrefix {
  std::vector<std::int64_t> ids;  ///< start token first, 1 … context_length - 1 of them
  std::int64_t room = 0;          ///< most tokens of a text before its end token; 0 after an end token in the prefix
};

/// [start] + prefix, cut to the context as open_clip's tokenizer does, and at the first end token inside, where the
/// tower's output is read.
CutPrefix cut_prefix(const std::vector<std::int32_t>& prefix, const TextLimits& limits);

/// What texts[chosen[i]] adds to a prefix that leaves this room, for each i: at least its end token. Throws
/// kInvalidArgument where offsets or `chosen` do not fit.
TokenLists cut_suffixes(const TokenLists& texts, const std::vector<std::int32_t>& chosen, std::int64_t room, std::int64_t eot_id);

/// Throws kInvalidArgument unless offsets rise from 0 to ids.size() and every id is in [0, vocab_size).
void check_token_lists(const TokenLists& texts, std::int64_t vocab_size);

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
class TextBlocks {
 public:
  /// suffixes as cut_suffixes gives them: none may be empty. Throws kInvalidArgument.
  TextBlocks(TokenLists suffixes, const BlockLimits& limits);

  /// Builds all blocks now, on this device, and keeps them: for texts that are encoded again and again.
  void keep_on(c10::Device device);

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
