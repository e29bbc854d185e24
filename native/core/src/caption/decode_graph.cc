#include "caption/decode_graph.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <map>

#include "device/transfer.h"

namespace interrogator {

namespace {

constexpr std::size_t kMostSets = 4;      // kept; a set of 32 rows of blip-large takes 0.7 GB
constexpr std::int64_t kMostRows = 64;    // beyond that a step's arithmetic hides its launches
constexpr std::int64_t kLengthStep = 32;  // positions are rounded up, so that decodings of different length share a set

std::int64_t rows_of(const at::Tensor& cache) { return cache.size(1); }

std::int64_t power_of_two(std::int64_t rows) {
  std::int64_t size = 1;
  while (size < rows) size *= 2;
  return size;
}

at::Tensor zeros_with(const at::Tensor& like, std::int64_t rows, std::int64_t length) {
  return at::zeros({like.size(0), rows, like.size(2), length, like.size(4)}, like.options());
}

}  // namespace

struct DecodeGraphs::Set {
  struct Step {
    std::int64_t uses = 0;
    Replay replay;    ///< null before it is captured
    at::Tensor next;  ///< what it gives, int64 [rows of the set]
  };

  Set(Capture made, const DecodeCaches& like, std::int64_t rows, std::int64_t length)
      : capture(std::move(made)),
        caches{zeros_with(like.keys, rows, length), zeros_with(like.values, rows, length),
               zeros_with(like.cross_keys, rows, like.cross_keys.size(3)), zeros_with(like.cross_values, rows, like.cross_values.size(3))} {
  }

  bool fits(const DecodeCaches& others, std::int64_t rows, std::int64_t length) const {
    return rows_of(caches.keys) == rows && caches.keys.size(3) == length && caches.cross_keys.size(3) == others.cross_keys.size(3);
  }

  /// Where the ids of a step of so many tokens are read from.
  const at::Tensor& ids(std::int64_t tokens) {
    at::Tensor& kept = ids_of[tokens];
    if (!kept.defined()) kept = at::zeros({rows_of(caches.keys), tokens}, caches.keys.options().dtype(at::kLong));
    return kept;
  }

  const Capture capture;
  const DecodeCaches caches;
  std::map<std::int64_t, at::Tensor> ids_of;                    // by number of tokens
  std::map<std::pair<std::int64_t, std::int64_t>, Step> steps;  // by position and number of tokens
  std::atomic<bool> borrowed = false;                           // given back by whichever thread ends a decoding
};

std::shared_ptr<DecodeGraphs::Set> DecodeGraphs::borrow(const DecodeCaches& caches) {
  const std::int64_t rows = power_of_two(rows_of(caches.keys));
  const std::int64_t length = (caches.keys.size(3) + kLengthStep - 1) / kLengthStep * kLengthStep;
  if (!possible() || rows > kMostRows) return nullptr;
  auto found = std::find_if(sets_.begin(), sets_.end(), [&](const auto& set) { return set->fits(caches, rows, length); });
  if (found != sets_.end() && (*found)->borrowed) return nullptr;
  if (found == sets_.end()) {
    // The set that waited longest makes room, before the new one takes memory.
    const auto idle = std::find_if(sets_.rbegin(), sets_.rend(), [](const auto& set) { return !set->borrowed; });
    if (sets_.size() >= kMostSets && idle == sets_.rend()) return nullptr;
    if (sets_.size() >= kMostSets) sets_.erase(std::next(idle).base());  // a reverse iterator's own element
    sets_.push_front(std::make_shared<Set>(pools_(), caches, rows, length));
    found = sets_.begin();
  }
  sets_.splice(sets_.begin(), sets_, found);
  sets_.front()->borrowed = true;
  return sets_.front();
}

void DecodeGraphs::clear() {
  sets_.remove_if([](const auto& set) { return !set->borrowed; });
  for (const auto& set : sets_) set->steps.clear();
}

void DecodeGraphs::give_up() {
  pools_ = nullptr;
  sets_.clear();
}

void GraphedDecoding::give_back() {
  if (set_) set_->borrowed = false;
  set_ = nullptr;
}

void GraphedDecoding::adopt(DecodeCaches& caches, std::int64_t filled) {
  give_back();
  try {
    set_ = graphs_.borrow(caches);
    if (!set_) return;
    const std::int64_t rows = rows_of(caches.keys);
    const DecodeCaches& fixed = set_->caches;
    const auto move = [&](at::Tensor& from, const at::Tensor& to, std::int64_t length) {
      const at::Tensor place = to.narrow(1, 0, rows);
      if (length > 0) place.narrow(3, 0, length).copy_(from.narrow(3, 0, length), /*non_blocking=*/true);
      from = place;
    };
    DecodeCaches moved = caches;
    move(moved.keys, fixed.keys, filled);
    move(moved.values, fixed.values, filled);
    move(moved.cross_keys, fixed.cross_keys, moved.cross_keys.size(3));
    move(moved.cross_values, fixed.cross_values, moved.cross_values.size(3));
    caches = std::move(moved);
  } catch (const std::exception&) {
    // Most likely memory: what the caller has still holds everything.
    give_back();
    graphs_.give_up();
  }
}

at::Tensor GraphedDecoding::run(const at::Tensor& ids, std::int64_t position, const DecodeStep& work) {
  const std::int64_t rows = ids.size(0), tokens = ids.size(1);
  const c10::Device device = set_->caches.keys.device();
  const at::Tensor fixed_ids = set_->ids(tokens);
  const at::Tensor staged = staging(ids.sizes(), at::kLong, device);
  staged.copy_(ids);
  fixed_ids.narrow(0, 0, rows).copy_(staged, /*non_blocking=*/true);
  DecodeGraphs::Set::Step& step = set_->steps[{position, tokens}];
  // Holds what it needs: a graph may be given it for longer than this call.
  const auto compute = [&step, set = set_.get(), fixed_ids, work] { step.next = work(fixed_ids, set->caches); };
  if (step.uses++ == 0) {
    compute();
    return step.next.narrow(0, 0, rows);
  }
  try {
    if (!step.replay) step.replay = set_->capture(compute);
    step.replay();
    return step.next.narrow(0, 0, rows);
  } catch (const std::exception&) {
    return {};
  }
}

at::Tensor GraphedDecoding::step(const at::Tensor& ids, std::int64_t position, const DecodeCaches& caches, const DecodeStep& work) {
  if (set_ && graphs_.possible()) {
    if (at::Tensor next = run(ids, position, work); next.defined()) return next;
    // The caches stay where they are: the caller's are views of the set's memory.
    give_back();
    graphs_.give_up();
  }
  return work(upload(ids, caches.keys.device()), caches);
}

}  // namespace interrogator
