#include "clip/prefix_tree.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "device/transfer.h"

namespace interrogator {

namespace {

using Tokens = std::span<const std::int32_t>;

std::size_t shared_length(Tokens a, Tokens b) {
  return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

std::vector<std::int64_t> sorted_by_tokens(const TokenLists& texts) {
  std::vector<std::int64_t> order(texts.count());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::int64_t a, std::int64_t b) { return std::ranges::lexicographical_compare(texts.text(a), texts.text(b)); });
  return order;
}

at::Tensor to_tensor(const std::vector<std::int64_t>& values) { return at::tensor(values, at::kLong); }

/// The tree of texts[order[n]] for every n. Sorted, a text shares nodes with the one before it and no other, and equal texts are
/// neighbours: each is computed once.
TextBlock block_of_sorted(const TokenLists& texts, std::span<const std::int64_t> order) {
  std::size_t width = 0;
  for (const std::int64_t index : order) width = std::max(width, texts.text(index).size());
  std::vector<std::int64_t> ids, depths, ancestors, ends, row_of;
  std::vector<std::int64_t> path;  // the nodes of the text before
  Tokens before;
  for (const std::int64_t index : order) {
    const Tokens text = texts.text(index);
    path.resize(shared_length(before, text));
    for (std::size_t depth = path.size(); depth < text.size(); ++depth) {
      path.push_back(static_cast<std::int64_t>(ids.size()));
      ids.push_back(text[depth]);
      depths.push_back(static_cast<std::int64_t>(depth));
      ancestors.insert(ancestors.end(), path.begin(), path.end());
      ancestors.resize(ids.size() * width, -1);
    }
    if (ends.empty() || ends.back() != path.back()) ends.push_back(path.back());
    row_of.push_back(static_cast<std::int64_t>(ends.size()) - 1);
    before = text;
  }
  const at::Tensor paths = to_tensor(ancestors).view({-1, static_cast<std::int64_t>(width)});
  return {{to_tensor(ids), to_tensor(depths), paths, to_tensor(ends)}, to_tensor(row_of), {order.begin(), order.end()}};
}

/// How many blocks to cut `total` nodes into. A block's first text may repeat a path of the block before: room is left for it.
std::int64_t block_count(const BlockLimits& limits, std::int64_t total, std::int64_t deepest) {
  const auto divided = [](std::int64_t count, std::int64_t by) { return (count + by - 1) / by; };
  const std::int64_t filled = std::max(limits.max_nodes - 2 * deepest, (limits.max_nodes + 1) / 2);
  const std::int64_t needed = divided(std::max<std::int64_t>(total, 1), filled), wanted = divided(needed, limits.parts) * limits.parts;
  return total / limits.least_nodes >= wanted ? wanted : needed;
}

}  // namespace

TextBlocks::TextBlocks(TokenLists suffixes, const BlockLimits& limits) : suffixes_(std::move(suffixes)) {
  order_ = sorted_by_tokens(suffixes_);
  std::vector<std::int64_t> added;  // nodes that a text adds to those before it
  std::int64_t total = 0, deepest = 0;
  Tokens before;
  for (const std::int64_t index : order_) {
    const Tokens text = suffixes_.text(index);
    added.push_back(static_cast<std::int64_t>(text.size() - shared_length(before, text)));
    total += added.back();
    deepest = std::max(deepest, static_cast<std::int64_t>(text.size()));
    before = text;
  }

  const auto blocks = block_count(limits, total, deepest);
  std::int64_t nodes = 0, done = 0;  // of this block; of all blocks, repeated paths not counted
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const bool equals_before = i > 0 && added[i] == 0;
    const bool part_done = done * blocks >= static_cast<std::int64_t>(starts_.size()) * total;
    if (!equals_before && (starts_.empty() || part_done || nodes + added[i] > limits.max_nodes)) {
      starts_.push_back(i);
      nodes = static_cast<std::int64_t>(suffixes_.text(order_[i]).size());
    } else {
      nodes += added[i];
    }
    done += added[i];
  }
  if (!order_.empty()) starts_.push_back(order_.size());
}

void TextBlocks::keep_on(c10::Device device) {
  std::vector<std::shared_ptr<const TextBlock>> kept;
  for (std::size_t index = 0; index < count(); ++index) {
    TextBlock block = *this->block(index);
    for (at::Tensor* const tensor : {&block.tree.ids, &block.tree.depth, &block.tree.ancestors, &block.tree.ends, &block.row_of}) {
      *tensor = upload(*tensor, device);
    }
    kept.push_back(std::make_shared<const TextBlock>(std::move(block)));
  }
  kept_ = std::move(kept);
}

std::shared_ptr<const TextBlock> TextBlocks::block(std::size_t index) const {
  if (!kept_.empty()) return kept_.at(index);
  const auto texts = std::span(order_).subspan(starts_.at(index), starts_.at(index + 1) - starts_[index]);
  return std::make_shared<const TextBlock>(block_of_sorted(suffixes_, texts));
}

}  // namespace interrogator
