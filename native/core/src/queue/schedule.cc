#include "queue/schedule.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace interrogator {

void Schedule::add(QueuedJob job) {
  Group group;
  group.key = job.job->key();
  group.jobs.push_back(std::move(job));
  ++waiting_;
  if (const auto same = under_way_.find(group.key); same != under_way_.end()) {
    same->second.push_back(std::move(group));
    ++held_;
  } else {
    turns_.push(std::move(group));
  }
}

Schedule::Turn Schedule::next() {
  Turn turn = turns_.pop();
  Group& group = turn.entry;
  if (!group.batch && !group.key.empty()) {
    const std::size_t most = group.jobs.front().job->most();
    turns_.remove_if([&](Group& other) {
      if (other.key != group.key || group.jobs.size() >= most) return false;
      group.jobs.push_back(std::move(other.jobs.front()));
      return true;
    });
  }
  waiting_ -= group.jobs.size();
  return turn;
}

void Schedule::give_back(Turn turn, double seconds, std::size_t served) {
  if (served > 0) turns_.charge(turn, seconds, served, served + waiting_ - held_);
  if (turn.entry.jobs.empty()) return end(turn.entry.key);
  if (!turn.entry.key.empty()) hold(turn.entry.key);
  waiting_ += turn.entry.jobs.size();
  turns_.resume(std::move(turn));
}

void Schedule::hold(const MergeKey& key) {
  const auto [held, begins] = under_way_.try_emplace(key);
  if (!begins) return;
  turns_.remove_if([&, &groups = held->second](Group& other) {
    if (other.key != key) return false;
    groups.push_back(std::move(other));
    ++held_;
    return true;
  });
}

void Schedule::end(const MergeKey& key) {
  auto ended = under_way_.extract(key);
  if (ended.empty()) return;
  held_ -= ended.mapped().size();
  for (Group& group : ended.mapped()) turns_.push(std::move(group));
}

template <class Wanted>
Removed Schedule::take(const Wanted& wanted) {
  Removed removed;
  std::vector<MergeKey> ended;
  const auto visit = [&](Group& group) {
    const auto first = std::stable_partition(group.jobs.begin(), group.jobs.end(), [&](const QueuedJob& job) { return !wanted(job); });
    waiting_ -= static_cast<std::size_t>(group.jobs.end() - first);
    std::move(first, group.jobs.end(), std::back_inserter(removed.jobs));
    group.jobs.erase(first, group.jobs.end());
    if (!group.jobs.empty()) return false;
    if (group.batch) {
      removed.batches.push_back(std::move(group.batch));
      ended.push_back(group.key);
    }
    return true;
  };
  turns_.remove_if(visit);
  for (auto& [key, groups] : under_way_) {
    const std::size_t before = groups.size();
    std::erase_if(groups, visit);
    held_ -= before - groups.size();
  }
  for (const MergeKey& key : ended) end(key);
  return removed;
}

Removed Schedule::take_cancelled() {
  return take([](const QueuedJob& job) { return job.cancelled(); });
}

Removed Schedule::take_all() {
  return take([](const QueuedJob&) { return true; });
}

}  // namespace interrogator
