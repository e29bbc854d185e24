// The best k of a list of similarities.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
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

/// The k best (reverse: least) of all that was added. About twice as many are kept, and cut to the k best when there are more: a
/// constant number of moves for each that is added, whatever k is.
class BestOf {
 public:
  /// k: 1 or more.
  BestOf(std::size_t k, bool reverse);
  /// Of labels first_index, first_index + 1, …
  void add(std::span<const float> similarities, std::int32_t first_index);
  /// All where there are fewer than k; in no order.
  std::vector<Ranked> take();

 private:
  std::size_t k_, most_;
  bool reverse_;
  float least_ = -std::numeric_limits<float>::infinity();  // times -1 where reverse: what the k best so far reach
  std::vector<Ranked> entries_;
};

/// Cuts what follows the first entries to its k best, in no order; the k-th best is last.
void cut_to_best(std::vector<Ranked>& entries, std::size_t first, std::size_t k);

/// Cuts to the k best, best first.
void keep_best(std::vector<Ranked>& entries, std::size_t k);

}  // namespace interrogator::ops
