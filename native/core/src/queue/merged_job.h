// Jobs that merge: what is asked of each is kept apart, and several run as one batch.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "queue/pass_batch.h"

namespace interrogator {

/// The requests of a batch, by place. `Request` is what one job was asked, with whoever takes its result.
template <class Request>
class MergedPass : public PassBatch {
 public:
  explicit MergedPass(std::vector<std::unique_ptr<Request>> requests) : PassBatch(requests.size()), requests_(std::move(requests)) {}

 protected:
  const Request& request(std::size_t place) const { return *requests_[place]; }

  /// Ends a job with the result that `deliver(request)` hands over, or with what that throws.
  template <class Deliver>
  Ended end(std::size_t place, const Deliver& deliver) {
    const std::unique_ptr<Request> request = std::move(requests_[place]);
    std::exception_ptr error = error_of([&] { deliver(*request); });
    return {place, std::move(error)};
  }

 private:
  std::vector<std::unique_ptr<Request>> requests_;  // null once ended
};

/// A job with a request, which runs in a `Pass` with the others of its key.
template <class Request, class Pass>
class MergedJob final : public Job {
 public:
  MergedJob(MergeKey key, std::size_t most, Request request)
      : key_(std::move(key)), most_(most), request_(std::make_unique<Request>(std::move(request))) {}

  MergeKey key() const override { return key_; }
  std::size_t most() const override { return most_; }
  std::unique_ptr<Batch> begin(std::vector<JobPtr> jobs) override {
    std::vector<std::unique_ptr<Request>> requests;
    for (const JobPtr& job : jobs) requests.push_back(std::move(static_cast<MergedJob&>(*job).request_));
    return std::make_unique<Pass>(std::move(requests));
  }

 private:
  const MergeKey key_;
  const std::size_t most_;
  std::unique_ptr<Request> request_;
};

}  // namespace interrogator
