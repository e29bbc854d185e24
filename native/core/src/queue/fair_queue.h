// Whose turn it is: start-time fair queueing by the time that each was seen to take. Knows no clock and no threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace interrogator {

/// Entries that take turns. Each has a tag: the virtual time of its arrival plus the seconds that it was charged since.
/// Virtual time is what an entry would have got by now had all who wanted it shared the time evenly, so a newcomer is
/// level with those that had their share, and comes before those that had more. The smallest tag is next, among equals
/// the one that came first: a short entry waits about one slice of a long one, and no stream of short ones outruns a
/// long one, because their tags rise as virtual time does.
template <class Entry>
class FairQueue {
 public:
  struct Turn {
    Entry entry;
    double tag = 0;
    std::uint64_t arrival = 0;
  };

  bool empty() const noexcept { return entries_.empty(); }

  /// Asks for turns from now on.
  void push(Entry entry) { resume({std::move(entry), now_, arrivals_++}); }
  /// The next turn. Not of an empty queue.
  Turn pop() {
    auto first = entries_.extract(entries_.begin());
    return {std::move(first.mapped()), first.key().first, first.key().second};
  }
  /// Back from a turn, wanting another.
  void resume(Turn turn) { entries_.emplace(std::pair(turn.tag, turn.arrival), std::move(turn.entry)); }

  /// A turn took `seconds`, in which `served` of the `wanting` (served and waiting) jobs shared it.
  void charge(Turn& turn, double seconds, std::size_t served, std::size_t wanting) {
    turn.tag += seconds / static_cast<double>(served);
    now_ += seconds / static_cast<double>(wanting);
  }

  /// Takes out, in the order of turns, the entries for which visit(entry) is true.
  template <class Visit>
  void remove_if(const Visit& visit) {
    for (auto each = entries_.begin(); each != entries_.end();) each = visit(each->second) ? entries_.erase(each) : std::next(each);
  }

 private:
  std::map<std::pair<double, std::uint64_t>, Entry> entries_;  // by tag, then arrival
  double now_ = 0;
  std::uint64_t arrivals_ = 0;
};

}  // namespace interrogator
