#include "support/calls.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <numeric>
#include <utility>

namespace interrogator::test {

namespace {

/// Jobs of one key, as many at once as the first allows. Throws the first error.
void run_jobs(std::vector<JobPtr> jobs, const CancelToken* token) {
  for (auto next = jobs.begin(); next != jobs.end();) {
    Job& first = **next;
    const auto last = next + std::min(static_cast<std::ptrdiff_t>(first.most()), jobs.end() - next);
    std::vector<std::size_t> left(static_cast<std::size_t>(last - next));
    std::iota(left.begin(), left.end(), std::size_t{0});
    const std::unique_ptr<Batch> batch = first.begin({std::make_move_iterator(next), std::make_move_iterator(last)});
    while (!left.empty()) {
      if (token) token->check();
      for (const Ended& each : batch->advance(left)) {
        if (each.error) std::rethrow_exception(each.error);
        std::erase(left, each.place);
      }
    }
    next = last;
  }
}

}  // namespace

void run_on(const DevicePtr& device, std::function<void()> work, CancelTokenPtr token) {
  std::promise<void> settled;
  const auto slice = [work = std::move(work)] {
    work();
    return true;
  };
  const auto done = [&settled](std::exception_ptr error) { error ? settled.set_exception(std::move(error)) : settled.set_value(); };
  device->submit(sliced_job(slice), done, std::move(token));
  settled.get_future().get();
}

Features image_features(const std::shared_ptr<ClipModel>& model, const std::vector<ImageView>& images) {
  std::vector<at::Tensor> rows(images.size());
  std::vector<JobPtr> jobs;
  for (std::size_t i = 0; i < images.size(); ++i) {
    jobs.push_back(
        ClipModel::image_job(model, {images[i], nullptr}, [&rows, i](const Features& features) { rows[i] = features.tensor(); }));
  }
  run_jobs(std::move(jobs), nullptr);
  return Features(model->device(), at::cat(rows));
}

std::vector<std::vector<std::int32_t>> generate(const std::shared_ptr<CaptionModel>& model, const std::vector<ImageView>& images,
                                                const GenerateOptions& options, const CancelToken* token) {
  std::vector<std::vector<std::int32_t>> captions(images.size());
  std::vector<JobPtr> jobs;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const auto take = [&captions, i](std::vector<std::int32_t> ids) { captions[i] = std::move(ids); };
    jobs.push_back(CaptionModel::caption_job(model, {images[i], nullptr}, options, take));
  }
  run_jobs(std::move(jobs), token);
  return captions;
}

Features text_features(const ClipModel& model, const std::vector<std::int32_t>& prefix, const TokenLists& texts, const CancelToken* token,
                       const Progress& progress) {
  return run_to_end(*model.begin_text_features(prefix, texts, progress), token);
}

StepResult best(const PromptTree& tree, const std::vector<std::int32_t>& prefix, const Features& features, const StepOptions& options,
                const CancelToken* token) {
  return run_to_end(*tree.begin_best(prefix, features, options), token);
}

}  // namespace interrogator::test
