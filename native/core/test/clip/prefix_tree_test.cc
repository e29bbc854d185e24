#include "clip/prefix_tree.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace interrogator {
namespace {

using Text = std::vector<std::int32_t>;
const ClipManifest kLimits = [] {
  ClipManifest limits;
  limits.text_tower = "causal", limits.context_length = 12, limits.sot_id = 90, limits.eot_id = 91;
  return limits;
}();

TokenLists lists(const std::vector<Text>& texts) {
  TokenLists result;
  result.offsets.push_back(0);
  for (const Text& text : texts) {
    result.ids.insert(result.ids.end(), text.begin(), text.end());
    result.offsets.push_back(static_cast<std::int32_t>(result.ids.size()));
  }
  return result;
}

Text text_at(const TokenLists& texts, std::size_t i) {
  return {texts.ids.begin() + texts.offsets[i], texts.ids.begin() + texts.offsets[i + 1]};
}

/// Few different tokens: many shared prefixes and duplicates.
std::vector<Text> random_texts(std::mt19937& random, std::size_t count, std::size_t longest, std::int32_t tokens) {
  std::vector<Text> texts(count);
  for (Text& text : texts) {
    text.resize(random() % (longest + 1));
    for (std::int32_t& id : text) id = static_cast<std::int32_t>(random() % static_cast<unsigned>(tokens));
  }
  return texts;
}

/// The text that ends at a node, read off its ancestors; checks the contract on the way.
Text text_of(const PrefixTree& tree, std::int64_t end) {
  Text text;
  const std::int64_t depth = tree.depth[end].item<std::int64_t>();
  for (std::int64_t j = 0; j < tree.ancestors.size(1); ++j) {
    const std::int64_t node = tree.ancestors[end][j].item<std::int64_t>();
    if (j > depth) {
      EXPECT_EQ(node, -1);
      continue;
    }
    EXPECT_EQ(tree.depth[node].item<std::int64_t>(), j);
    text.push_back(static_cast<std::int32_t>(tree.ids[node].item<std::int64_t>()));
  }
  EXPECT_EQ(tree.ancestors[end][depth].item<std::int64_t>(), end);
  return text;
}

/// One tree of all texts; ends[n] belongs to text n.
PrefixTree build_prefix_tree(const std::vector<Text>& texts) {
  const TextBlocks blocks(lists(texts), {.max_nodes = 1 << 20});
  EXPECT_EQ(blocks.count(), 1U);
  const TextBlock block = *blocks.block(0);
  PrefixTree tree = block.tree;
  tree.ends = at::empty_like(block.row_of).index_copy_(0, at::tensor(block.texts), block.tree.ends.index_select(0, block.row_of));
  return tree;
}

std::size_t distinct_prefixes(const std::vector<Text>& texts) {
  std::set<Text> prefixes;
  for (const Text& text : texts) {
    for (std::size_t length = 1; length <= text.size(); ++length)
      prefixes.insert({text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length)});
  }
  return prefixes.size();
}

TEST(PrefixTree, HasOneNodeForEachDistinctPrefixAndEndsInCallerOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    std::vector<Text> texts = random_texts(random, 1 + random() % 40, 7, 4);
    for (Text& text : texts) text.push_back(91);
    const PrefixTree tree = build_prefix_tree(texts);
    ASSERT_EQ(tree.ids.size(0), static_cast<std::int64_t>(distinct_prefixes(texts)));
    ASSERT_EQ(tree.ends.size(0), static_cast<std::int64_t>(texts.size()));
    ASSERT_EQ(tree.ancestors.size(1), tree.depth.max().item<std::int64_t>() + 1);
    for (std::size_t n = 0; n < texts.size(); ++n) {
      ASSERT_EQ(text_of(tree, tree.ends[static_cast<std::int64_t>(n)].item<std::int64_t>()), texts[n]);
    }
  }
}

TEST(PrefixTree, GivesEqualTextsOneEnd) {
  const PrefixTree tree = build_prefix_tree({{5, 91}, {4, 91}, {5, 91}});
  EXPECT_EQ(tree.ids.size(0), 4);
  EXPECT_EQ(tree.ends[0].item<std::int64_t>(), tree.ends[2].item<std::int64_t>());
}

TEST(TextBlocks, HoldEachTextOnceWithinTheBound) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    std::vector<Text> texts = random_texts(random, random() % 60, 7, 3);
    for (Text& text : texts) text.push_back(91);
    const std::int64_t most = 1 + random() % 40;
    const TextBlocks blocks(lists(texts), {.max_nodes = most, .parts = 1 + round % 4, .least_nodes = 1 + round % 9});
    std::vector<int> seen(texts.size());
    for (std::size_t i = 0; i < blocks.count(); ++i) {
      const TextBlock block = *blocks.block(i);
      ASSERT_EQ(block.row_of.size(0), static_cast<std::int64_t>(block.texts.size()));
      std::set<Text> distinct;
      for (std::size_t n = 0; n < block.texts.size(); ++n) {
        const auto text = static_cast<std::size_t>(block.texts[n]);
        ++seen[text];
        distinct.insert(texts[text]);
        const at::Tensor end = block.tree.ends[block.row_of[static_cast<std::int64_t>(n)].item<std::int64_t>()];
        ASSERT_EQ(text_of(block.tree, end.item<std::int64_t>()), texts[text]);
      }
      ASSERT_EQ(block.tree.ends.size(0), static_cast<std::int64_t>(distinct.size()));
      if (distinct.size() > 1) {
        ASSERT_LE(block.tree.ids.size(0), most);
      }
    }
    ASSERT_EQ(std::count(seen.begin(), seen.end(), 1), static_cast<std::ptrdiff_t>(texts.size()));
  }
}

TEST(TextBlocks, AreNoneForNoTexts) { EXPECT_EQ(TextBlocks(lists({}), {.max_nodes = 10}).count(), 0U); }

TEST(TextBlocks, AreAsManyAsRunAtTheSameTimeAndAboutEqual) {
  std::mt19937 random(4);
  std::vector<Text> texts = random_texts(random, 900, 6, 50);
  for (Text& text : texts) text.push_back(91);
  for (const std::int64_t parts : {1, 2, 3, 8}) {
    const TextBlocks blocks(lists(texts), {.max_nodes = 300, .parts = parts, .least_nodes = 20});
    EXPECT_LE(blocks.count() % static_cast<std::size_t>(parts), 0U) << parts;
    std::int64_t least = 1 << 20, most = 0;
    for (std::size_t i = 0; i < blocks.count(); ++i) {
      const std::int64_t nodes = blocks.block(i)->tree.ids.size(0);
      least = std::min(least, nodes), most = std::max(most, nodes);
    }
    EXPECT_LT(most, 2 * least) << parts;
  }
  const TextBlocks few(lists({{1, 91}, {2, 91}, {3, 91}}), {.max_nodes = 300, .parts = 8, .least_nodes = 20});
  EXPECT_EQ(few.count(), 1U);
}

TEST(TextBlocks, AreTheSameWhenKept) {
  TextBlocks blocks(lists({{5, 91}, {4, 91}, {5, 6, 91}, {5, 91}}), {.max_nodes = 3});
  std::vector<std::shared_ptr<const TextBlock>> built;
  for (std::size_t i = 0; i < blocks.count(); ++i) built.push_back(blocks.block(i));
  blocks.keep_on(at::kCPU);
  for (std::size_t i = 0; i < built.size(); ++i) {
    EXPECT_EQ(blocks.block(i), blocks.block(i));
    EXPECT_EQ(blocks.block(i)->texts, built[i]->texts);
    EXPECT_TRUE(at::equal(blocks.block(i)->tree.ids, built[i]->tree.ids));
    EXPECT_TRUE(at::equal(blocks.block(i)->row_of, built[i]->row_of));
  }
}

/// open_clip's cut: [start] + text + [end], the first context_length of them, the last one the end
/// token; a causal tower reads its output at the first end token.
Text full_text(const Text& prefix, const Text& text, const ClipManifest& limits) {
  Text full;
  if (limits.sot_id) full.push_back(static_cast<std::int32_t>(*limits.sot_id));
  full.insert(full.end(), prefix.begin(), prefix.end());
  full.insert(full.end(), text.begin(), text.end());
  full.push_back(static_cast<std::int32_t>(limits.eot_id));
  if (full.size() > static_cast<std::size_t>(limits.context_length)) {
    full.resize(static_cast<std::size_t>(limits.context_length));
    full.back() = static_cast<std::int32_t>(limits.eot_id);
  }
  if (limits.text_tower == "causal") full.erase(std::find(full.begin(), full.end(), limits.eot_id) + 1, full.end());
  return full;
}

TokenLists suffixes_after(const CutPrefix& cut, const std::vector<Text>& texts, const ClipManifest& limits = kLimits) {
  std::vector<std::int32_t> all(texts.size());
  std::iota(all.begin(), all.end(), 0);
  return cut_suffixes(lists(texts), all, cut.room, limits);
}

class CutTexts : public ::testing::TestWithParam<ClipManifest> {};

/// As of SigLIP and T5.
ClipManifest without_start() {
  ClipManifest limits = kLimits;
  limits.text_tower = "bidirectional", limits.sot_id = std::nullopt;
  return limits;
}

/// As of RoBERTa.
ClipManifest bidirectional() {
  ClipManifest limits = kLimits;
  limits.text_tower = "bidirectional";
  return limits;
}

INSTANTIATE_TEST_SUITE_P(Towers, CutTexts, ::testing::Values(kLimits, bidirectional(), without_start()));

TEST_P(CutTexts, AreTheTextsThatTheTokenizerWouldCut) {
  const ClipManifest& limits = GetParam();
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const Text prefix = random_texts(random, 1, 16, 91 + round % 2)[0];  // every other round with end tokens inside
    const std::vector<Text> texts = random_texts(random, 1 + random() % 8, 16, 92);
    const CutPrefix cut = cut_prefix(prefix, limits);
    ASSERT_LT(cut.ids.size(), static_cast<std::size_t>(limits.context_length));
    const TokenLists suffixes = suffixes_after(cut, texts, limits);
    ASSERT_EQ(suffixes.count(), texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Text joined(cut.ids.begin(), cut.ids.end());
      const Text suffix = text_at(suffixes, i);
      joined.insert(joined.end(), suffix.begin(), suffix.end());
      ASSERT_EQ(joined, full_text(prefix, texts[i], limits));
    }
  }
}

TEST(CutSuffixes, HaveOnlyTheEndTokenWhereThePrefixFillsTheContext) {
  const CutPrefix cut = cut_prefix(Text(20, 7), kLimits);
  EXPECT_EQ(cut.ids.size(), 11U);
  EXPECT_EQ(cut.room, 0);
  EXPECT_EQ(text_at(suffixes_after(cut, {{1, 2}, {3}}), 0), Text{91});
}

TEST(CutSuffixes, AreTheChosenOnesInTheirOrder) {
  const TokenLists suffixes = cut_suffixes(lists({{1}, {2}, {3}}), {2, 0}, 9, kLimits);
  EXPECT_EQ(text_at(suffixes, 0), (Text{3, 91}));
  EXPECT_EQ(text_at(suffixes, 1), (Text{1, 91}));
}

}  // namespace
}  // namespace interrogator
