#include "ops/top_k_select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace interrogator::ops {
namespace {

/// All of them by a full, stable sort.
std::vector<std::int32_t> sorted(const std::vector<float>& similarities, std::int32_t first_index, bool reverse) {
  std::vector<std::int32_t> order(similarities.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
  std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    const float left = similarities[static_cast<std::size_t>(a)], right = similarities[static_cast<std::size_t>(b)];
    if (std::isnan(left) || std::isnan(right)) return !std::isnan(left) && std::isnan(right);
    return reverse ? left < right : left > right;
  });
  for (std::int32_t& index : order) index += first_index;
  return order;
}

std::vector<std::int32_t> best_first(std::vector<Ranked> entries, std::size_t k) {
  keep_best(entries, k);
  std::vector<std::int32_t> indices;
  for (const Ranked& entry : entries) indices.push_back(entry.index());
  return indices;
}

TEST(TopKSelect, FindsWhatAFullSortFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::size_t count = random() % (round % 10 == 0 ? 20000 : 400);
    const std::size_t k = 1 + random() % (round % 4 == 0 ? 3000 : 40);
    const bool reverse = round % 2;
    std::vector<float> similarities(count);
    for (float& each : similarities) {
      // Few different values make ties; others differ in their last bits alone, or are no usual numbers.
      switch (random() % (round % 3 == 0 ? 40 : 3)) {
        case 0: each = static_cast<float>(random() % 7) / 8 - 0.375F; break;
        case 1: each = 0.25F + static_cast<float>(random() % 64) * 0x1p-25F; break;
        case 2: each = std::ldexp(static_cast<float>(random()) - 0x1p31F, -31); break;
        case 3: each = std::numeric_limits<float>::quiet_NaN(); break;
        case 4: each = -0.0F; break;
        case 5: each = std::numeric_limits<float>::infinity(); break;
        case 6: each = -std::numeric_limits<float>::infinity(); break;
        default: each = 0;
      }
    }
    std::vector<std::int32_t> expected = sorted(similarities, 70, reverse);
    expected.resize(std::min(k, count));
    BestOf best(k, reverse);
    best.add(similarities, 70);
    const std::vector<Ranked> entries = best.take();
    ASSERT_EQ(entries.size(), expected.size());
    ASSERT_EQ(best_first(entries, k), expected) << count << " values, k " << k;
  }
}

TEST(TopKSelect, FindsTheBestOfAllPartsThatItWasGiven) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    const std::size_t count = 1 + random() % 9000, k = 1 + random() % 80;
    const bool reverse = round % 2;
    std::vector<float> similarities(count);
    for (float& each : similarities) {
      // From all different to nearly all what is not a number.
      each = static_cast<float>(random() % (round % 3 ? 1U << 24U : 5U)) * 0x1p-24F - 0.5F;
      if (random() % 100 < static_cast<unsigned>(round % 6) * 20) each = std::numeric_limits<float>::quiet_NaN();
    }
    BestOf best(k, reverse);
    for (std::size_t first = 0; first < count;) {
      const std::size_t part = std::min<std::size_t>(count - first, random() % 4000);
      best.add(std::span<const float>(similarities).subspan(first, part), 9 + static_cast<std::int32_t>(first));
      first += part;
    }
    std::vector<std::int32_t> expected = sorted(similarities, 9, reverse);
    expected.resize(std::min(k, count));
    ASSERT_EQ(best_first(best.take(), k), expected) << count << " values, k " << k;
  }
}

TEST(TopKSelect, KeepsTheSimilarityAndOrdersItAnew) {
  const Ranked entry(-0.5F, 12, true);
  EXPECT_EQ(entry.similarity, -0.5F);
  EXPECT_EQ(entry.ordered(false).order, Ranked(-0.5F, 12, false).order);
  EXPECT_GT(Ranked(-0.5F, 12, true).order, Ranked(0.5F, 11, true).order);
}

}  // namespace
}  // namespace interrogator::ops
