// The distinct token prefixes of a set of texts, as text.pt's `extend` takes them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "interrogator/clip_model.h"

namespace interrogator {

/// Node m continues the shared prefix; see docs/bundle-format.md. All int64, on the CPU. Nodes are
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

/// Texts split into what all share (to prefill) and what each adds (at least its end token).
struct SharedPrefix {
  std::vector<std::int64_t> ids;  ///< start token first, 1 … context_length - 1 of them
  TokenLists suffixes;            ///< one for each entry of `chosen`, each ending in the end token
};

/// [start] + prefix + texts[chosen[i]] + [end] for each i, cut to the context as open_clip's tokenizer
/// does, and at the first end token inside, where the tower's output is read. Throws kInvalidArgument
/// where offsets or `chosen` do not fit.
SharedPrefix share_prefix(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                          const TextLimits& limits);
/// The same for all texts in order.
SharedPrefix share_prefix(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const TextLimits& limits);

/// Throws kInvalidArgument unless offsets rise from 0 to ids.size() and every id is in [0, vocab_size).
void check_token_lists(const TokenLists& texts, std::int64_t vocab_size);

/// One tree and the texts whose features it gives: row n of `extend`'s result belongs to texts[n].
struct TextBlock {
  PrefixTree tree;
  std::vector<std::int64_t> texts;
};

/// Sorts texts by their tokens, so that neighbours share prefixes, and cuts them into blocks of at
/// most max_nodes nodes (a text that alone has more is a block of its own). Each text is in exactly
/// one block; a block's tree is built when asked for.
class TextBlocks {
 public:
  /// suffixes as share_prefix gives them: none may be empty. Throws kInvalidArgument.
  explicit TextBlocks(TokenLists suffixes, std::int64_t max_nodes);

  std::size_t count() const noexcept { return starts_.empty() ? 0 : starts_.size() - 1; }
  TextBlock block(std::size_t index) const;

 private:
  TokenLists suffixes_;
  std::vector<std::int64_t> order_;  ///< texts, sorted
  std::vector<std::size_t> starts_;  ///< block i is order_[starts_[i] .. starts_[i+1])
};

/// One tree of all texts (N ≥ 1); ends[n] belongs to text n.
PrefixTree build_prefix_tree(const TokenLists& suffixes);

}  // namespace interrogator
