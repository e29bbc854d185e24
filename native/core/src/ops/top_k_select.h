// The best k of a list of similarities: a heap for few, radix selection for many.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace interrogator::ops {

/// A label and how it ranks. Orders as one number: better is larger, the lower index among equals, what is not a number
/// last.
struct Ranked {
  std::uint64_t order = 0;
  float similarity = 0;

  Ranked(float similarity, std::int32_t index, bool reverse);
  std::int32_t index() const noexcept;
  /// The same label as another stage of a ranking orders it.
  Ranked ordered(bool reverse) const { return Ranked(similarity, index(), reverse); }
};

/// The k best (reverse: least) of all that was added, for few.
class BestHeap {
 public:
  BestHeap(std::size_t k, bool reverse);
  /// Of labels first_index, first_index + 1, …
  void add(std::span<const float> similarities, std::int32_t first_index);
  /// In no order.
  std::vector<Ranked> take() { return std::move(entries_); }

 private:
  void replace_worst(const Ranked& entry);

  const std::size_t k_;
  const bool reverse_;
  std::vector<Ranked> entries_;  // a heap once there are k, the worst in front
};

/// The k best (reverse: least) of similarities, whose labels are first_index, first_index + 1, …; all where there are
/// fewer; in no order.
std::vector<Ranked> select_best(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse);

/// The same by one method, for tests and benchmarks.
std::vector<Ranked> select_by_heap(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse);
std::vector<Ranked> select_by_radix(std::span<const float> similarities, std::int32_t first_index, std::size_t k, bool reverse);

/// Cuts to the k best, best first.
void keep_best(std::vector<Ranked>& entries, std::size_t k);

}  // namespace interrogator::ops
