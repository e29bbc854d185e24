#include "ops/top_k_select.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <limits>

namespace interrogator::ops {

namespace {

// For more, select_best counts digits: moves in a heap cost more than reading the list again.
constexpr std::size_t kMostInHeap = 96;

constexpr int kDigitBits = 11, kDigits = 3;  // 33 bits hold a key of 32
constexpr std::uint32_t kDigitMask = (1U << kDigitBits) - 1;

/// A number that rises with the float; 0 for what is not a number.
std::uint32_t key_of(float similarity, bool reverse) {
  if (similarity != similarity) return 0;
  const auto bits = std::bit_cast<std::uint32_t>((reverse ? -similarity : similarity) + 0.0F);  // no negative zero
  return bits & 0x80000000U ? ~bits : bits | 0x80000000U;
}

bool better(const Ranked& a, const Ranked& b) { return a.order > b.order; }

// Labels are dealt to so many groups, of which the k with the best members tell how good the k-th best label is at least.
constexpr std::size_t kGroups = 128;
constexpr std::size_t kMostOfGroups = 64, kLeastInGroup = 8;
constexpr float kWorst = -std::numeric_limits<float>::infinity();

/// A number, times `sign`, that each of the k best reaches, and few others; kWorst where these are too few to tell.
float reached_by_best(std::span<const float> similarities, std::size_t k, float sign) {
  if (k == 0 || k > kMostOfGroups || similarities.size() < kGroups * kLeastInGroup) return kWorst;
  std::array<float, kGroups> best;
  best.fill(kWorst);
  for (std::size_t first = 0; first + kGroups <= similarities.size(); first += kGroups) {
    for (std::size_t i = 0; i < kGroups; ++i) {
      const float value = similarities[first + i] * sign;
      best[i] = value > best[i] ? value : best[i];
    }
  }
  const auto last = best.begin() + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(best.begin(), last, best.end(), std::greater<>());
  return *last;
}

struct Threshold {
  std::uint32_t key = 0;   ///< of the k-th best
  std::size_t equals = 0;  ///< how many with this key belong to the k best
};

/// Digit by digit from the highest: counts how many keys have each, and goes on among those with the k-th's.
Threshold find_threshold(std::span<const float> similarities, std::size_t k, bool reverse) {
  std::vector<std::uint32_t> keys(similarities.size());
  std::transform(similarities.begin(), similarities.end(), keys.begin(), [&](float each) { return key_of(each, reverse); });
  Threshold threshold{0, k};
  for (int digit = kDigits - 1; digit >= 0; --digit) {
    const int shift = digit * kDigitBits;
    std::array<std::size_t, kDigitMask + 1> counts{};
    for (const std::uint32_t key : keys) ++counts[key >> shift & kDigitMask];
    std::uint32_t value = kDigitMask;
    while (counts[value] < threshold.equals) threshold.equals -= counts[value--];
    threshold.key |= value << shift;
    std::erase_if(keys, [&](std::uint32_t key) { return (key >> shift & kDigitMask) != value; });
  }
  return threshold;
}

}  // namespace

Ranked::Ranked(float given, std::int32_t index, bool reverse)
    : order(std::uint64_t{key_of(given, reverse)} << 32 | ~static_cast<std::uint32_t>(index)), similarity(given) {}

std::int32_t Ranked::index() const noexcept { return static_cast<std::int32_t>(~static_cast<std::uint32_t>(order)); }

BestHeap::BestHeap(std::size_t k, bool reverse) : k_(k), reverse_(reverse) {}

void BestHeap::add(std::span<const float> similarities, std::int32_t first_index) {
  if (k_ == 0) return;
  const float sign = reverse_ ? -1.0F : 1.0F;
  const bool full = entries_.size() == k_;
  float least = full ? entries_.front().similarity * sign : reached_by_best(similarities, k_, sign);
  for (std::size_t i = 0; i < similarities.size(); ++i) {
    // Most are worse by far. What is not a number is never less.
    if (similarities[i] * sign < least) continue;
    const Ranked entry(similarities[i], first_index + static_cast<std::int32_t>(i), reverse_);
    if (entries_.size() < k_) {
      entries_.push_back(entry);
      if (entries_.size() < k_) continue;
      std::make_heap(entries_.begin(), entries_.end(), better);
    } else if (better(entry, entries_.front())) {
      replace_worst(entry);
    }
    least = entries_.front().similarity * sign;
  }
}

/// One way down the heap, where std::pop_heap and std::push_heap go down and up again.
void BestHeap::replace_worst(const Ranked& entry) {
  std::size_t hole = 0;
  for (std::size_t child = 1; child < k_; child = 2 * hole + 1) {
    if (child + 1 < k_ && better(entries_[child], entries_[child + 1])) ++child;
    if (!better(entry, entries_[child])) break;
    entries_[hole] = entries_[child];
    hole = child;
  }
  entries_[hole] = entry;
}

std::vector<Ranked> select_by_heap(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse) {
  BestHeap heap(k, reverse);
  heap.add(similarities, first_index);
  return heap.take();
}

std::vector<Ranked> select_by_radix(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse) {
  std::vector<Ranked> selected;
  k = std::min(k, similarities.size());
  if (k == 0) return selected;
  selected.reserve(k);
  Threshold threshold = find_threshold(similarities, k, reverse);
  for (std::size_t i = 0; i < similarities.size(); ++i) {
    const std::uint32_t key = key_of(similarities[i], reverse);
    if (key < threshold.key) continue;
    if (key == threshold.key) {
      if (threshold.equals == 0) continue;  // those with lower indices came first
      --threshold.equals;
    }
    selected.emplace_back(similarities[i], first_index + static_cast<std::int32_t>(i), reverse);
  }
  return selected;
}

std::vector<Ranked> select_best(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse) {
  const bool few = k <= kMostInHeap || similarities.size() <= kMostInHeap;
  return few ? select_by_heap(similarities, first_index, k, reverse) : select_by_radix(similarities, first_index, k, reverse);
}

void keep_best(std::vector<Ranked>& entries, std::size_t k) {
  const auto end = entries.begin() + static_cast<std::ptrdiff_t>(std::min(k, entries.size()));
  std::partial_sort(entries.begin(), end, entries.end(), better);
  entries.erase(end, entries.end());
}

}  // namespace interrogator::ops
