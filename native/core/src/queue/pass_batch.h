// A batch that is computed in passes, the smaller ones where memory runs out.
#pragma once

#include <cstddef>
#include <exception>
#include <vector>

#include "interrogator/error.h"
#include "interrogator/job.h"

namespace interrogator {

/// Its jobs go through in passes of at most `most`, one pass after the other, each of one or more
/// slices. A pass of several that runs out of memory is begun again with half of them; any other
/// failure, or one job that is too large alone, ends the jobs of that pass.
class PassBatch : public Batch {
 public:
  explicit PassBatch(std::size_t most) : most_(most) {}
  std::vector<Ended> advance(const std::vector<std::size_t>& left) final;

 protected:
  /// One slice of the pass over these jobs; those that were in it before and are missing ended or were cancelled.
  virtual std::vector<Ended> advance_pass(const std::vector<std::size_t>& left) = 0;
  /// Forgets the pass: its jobs have ended, or begin again.
  virtual void end_pass() {}

 private:
  std::vector<std::size_t> choose(const std::vector<std::size_t>& left);

  std::size_t most_;
  std::vector<std::size_t> pass_;  // jobs of the pass that is under way, rising
};

/// What `call` throws, as Error; null where it returns.
template <class Call>
std::exception_ptr error_of(const Call& call) noexcept {
  try {
    call();
    return nullptr;
  } catch (...) {
    return std::make_exception_ptr(current_error());
  }
}

}  // namespace interrogator
