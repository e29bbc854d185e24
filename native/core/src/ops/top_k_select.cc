#include "ops/top_k_select.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>

namespace interrogator::ops {

namespace {

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
  if (k > kMostOfGroups || similarities.size() < kGroups * kLeastInGroup) return kWorst;
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

}  // namespace

Ranked::Ranked(float given, std::int32_t index, bool reverse)
    : order(std::uint64_t{key_of(given, reverse)} << 32 | ~static_cast<std::uint32_t>(index)), similarity(given) {}

std::int32_t Ranked::index() const noexcept { return static_cast<std::int32_t>(~static_cast<std::uint32_t>(order)); }

BestOf::BestOf(std::size_t k, bool reverse) : k_(k), most_(2 * k + kMostOfGroups), reverse_(reverse) {}

void BestOf::add(std::span<const float> similarities, std::int32_t first_index) {
  const float sign = reverse_ ? -1.0F : 1.0F;
  if (least_ == kWorst) least_ = reached_by_best(similarities, k_, sign);
  for (std::size_t i = 0; i < similarities.size(); ++i) {
    // Most are worse by far. What is not a number is never less.
    if (similarities[i] * sign < least_) continue;
    entries_.emplace_back(similarities[i], first_index + static_cast<std::int32_t>(i), reverse_);
    if (entries_.size() < most_) continue;
    cut_to_best(entries_, 0, k_);
    least_ = entries_[k_ - 1].similarity * sign;
  }
}

std::vector<Ranked> BestOf::take() {
  cut_to_best(entries_, 0, k_);
  return std::move(entries_);
}

void cut_to_best(std::vector<Ranked>& entries, std::size_t first, std::size_t k) {
  if (entries.size() <= first + k) return;
  const auto begin = entries.begin() + static_cast<std::ptrdiff_t>(first), end = begin + static_cast<std::ptrdiff_t>(k);
  if (k > 0) std::nth_element(begin, end - 1, entries.end(), better);
  entries.erase(end, entries.end());
}

void keep_best(std::vector<Ranked>& entries, std::size_t k) {
  cut_to_best(entries, 0, k);
  std::sort(entries.begin(), entries.end(), better);
}

}  // namespace interrogator::ops
