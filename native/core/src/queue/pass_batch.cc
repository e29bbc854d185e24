#include "queue/pass_batch.h"

#include <algorithm>
#include <iterator>

namespace interrogator {

/// What is left of the pass that is under way, or the next one.
std::vector<std::size_t> PassBatch::choose(const std::vector<std::size_t>& left) {
  std::vector<std::size_t> pass;
  std::ranges::set_intersection(pass_, left, std::back_inserter(pass));
  if (!pass.empty()) return pass;
  if (!pass_.empty()) end_pass();
  const auto count = static_cast<std::ptrdiff_t>(std::min(most_, left.size()));
  return {left.begin(), left.begin() + count};
}

std::vector<Ended> PassBatch::advance(const std::vector<std::size_t>& left) {
  pass_ = choose(left);
  std::vector<Ended> ended;
  try {
    ended = advance_pass(pass_);
    if (ended.size() < pass_.size()) return ended;
  } catch (...) {
    const Error error = current_error();
    if (error.code() == ErrorCode::kOutOfMemory && pass_.size() > 1) {
      most_ = pass_.size() / 2;
    } else {
      ended.clear();
      for (const std::size_t place : pass_) ended.push_back({place, std::make_exception_ptr(error)});
    }
  }
  end_pass();
  pass_.clear();
  return ended;
}

}  // namespace interrogator
