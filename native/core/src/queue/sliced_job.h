// A job that runs alone, in slices.
#pragma once

#include <functional>
#include <utility>

#include "queue/job.h"

namespace interrogator {

class SlicedJob final : public Job, public Batch {
 public:
  /// slice: called until it says that it was the last.
  explicit SlicedJob(std::function<bool()> slice) : slice_(std::move(slice)) {}

  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
    return std::unique_ptr<Batch>(static_cast<SlicedJob*>(jobs.front().release()));
  }
  std::vector<Ended> advance(const std::vector<std::size_t>&) override {
    return slice_() ? std::vector<Ended>{{0, nullptr}} : std::vector<Ended>();
  }

 private:
  const std::function<bool()> slice_;
};

}  // namespace interrogator
