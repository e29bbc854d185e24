// The labels most similar to each feature: all similarities once, then stages of ranking over them. Host code alone;
// the kernels are in similarities.cu and keep_best.cu.
#include "interrogator_cuda.h"
#include "simt.h"
#include "top_k_parts.h"

namespace interrogator::cuda {

namespace {

using Request = interrogator_cuda_top_k_request;

std::int64_t row_count(const Request& request) {
  std::int64_t rows = 0;
  for (std::int64_t i = 0; i < request.matrix_count; ++i) rows += request.matrices[i].rows;
  return rows;
}

/// What a stage keeps how much of; the buffers are the caller's.
struct Step {
  std::int64_t count, segment, keep;
  bool reverse;
  std::int64_t kept() const { return kept_count(count, segment, keep); }
};

/// Calls visit(step, last) for the stages of a request, first to last, while it returns 0.
template <class Visit>
int for_stages(const Request& request, const Visit& visit) {
  std::int64_t count = row_count(request);
  const auto run = [&](std::int64_t segment, std::int64_t keep, bool reverse, bool last) {
    const Step step{count, segment, keep < segment ? keep : segment, reverse};
    count = step.kept();
    return visit(step, last);
  };

  bool reverse = request.reverse != 0;
  if (request.segment_rows > 0 && request.segment_rows < count) {
    if (const int failure = run(request.segment_rows, request.keep, reverse, false); failure != 0) return failure;
    reverse = request.final_reverse != 0;
  }
  // The best of all are among the best of each tile; each round at least halves what is left.
  const std::int64_t tile = request.k <= kTile / 4 ? kTile / 2 : kTile;
  while (request.k <= tile / 2 && count > tile) {
    if (const int failure = run(tile, request.k, reverse, false); failure != 0) return failure;
  }
  return run(count, request.k, reverse, true);
}

std::int64_t aligned(std::int64_t bytes) { return divide_up(bytes, 256) * 256; }

/// Scratch memory, part after part: similarities, candidates in turn in two buffers.
struct Layout {
  std::int64_t rows, similarities, candidates;

  explicit Layout(const Request& request) : rows(row_count(request)), similarities(0), candidates(0) {
    similarities = aligned(request.batch * rows * static_cast<std::int64_t>(sizeof(float)));
    for_stages(request, [&](const Step& step, bool last) {
      const std::int64_t kept = last ? 0 : aligned(request.batch * step.kept() * static_cast<std::int64_t>(sizeof(std::int32_t)));
      if (kept > candidates) candidates = kept;
      return 0;
    });
  }

  std::int64_t bytes() const { return similarities + 2 * candidates; }
};

int check(const Request& request) {
  if (request.matrix_count < 0 || request.batch < 0 || request.dim < 1 || request.segment_rows < 0 || request.k < 1) {
    return INTERROGATOR_CUDA_INVALID;
  }
  if (request.segment_rows > 0 && request.keep < 1) return INTERROGATOR_CUDA_INVALID;
  for (std::int64_t i = 0; i < request.matrix_count; ++i) {
    if (request.matrices[i].rows < 0) return INTERROGATOR_CUDA_INVALID;
  }
  const std::int64_t rows = row_count(request);
  if (rows > INT32_MAX || request.batch > 65535 || !takes_dimension(request.dim)) return INTERROGATOR_CUDA_UNSUPPORTED;
  const bool segmented = request.segment_rows > 0 && request.segment_rows < rows;
  const std::int64_t keep = request.keep < request.segment_rows ? request.keep : request.segment_rows;
  const std::int64_t kept = segmented ? kept_count(rows, request.segment_rows, keep) : rows;
  if (request.k > kept) return INTERROGATOR_CUDA_INVALID;
  // A block sorts no more than kTile at once.
  return for_stages(request,
                    [](const Step& step, bool) { return step.segment <= kTile ? INTERROGATOR_CUDA_OK : INTERROGATOR_CUDA_UNSUPPORTED; });
}

int run(const Request& request, const Layout& layout, unsigned char* workspace, void* stream) {
  auto* const similarities = reinterpret_cast<float*>(workspace);
  std::int64_t done = 0;
  for (std::int64_t i = 0; i < request.matrix_count; ++i) {
    const int failure =
        write_similarities(request.matrices[i], request.features, request.batch, request.dim, similarities + done, layout.rows, stream);
    if (failure != 0) return failure;
    done += request.matrices[i].rows;
  }

  unsigned char* const buffers = workspace + layout.similarities;
  const std::int32_t* candidates = nullptr;
  bool second = false;
  const int failure = for_stages(request, [&](const Step& step, bool last) {
    Stage stage;
    stage.similarities = similarities;
    stage.batch = request.batch;
    stage.rows = layout.rows;
    stage.candidates = candidates;
    stage.count = step.count;
    stage.segment = step.segment;
    stage.keep = step.keep;
    stage.reverse = step.reverse;
    stage.kept = last ? request.indices : reinterpret_cast<std::int32_t*>(buffers + (second ? layout.candidates : 0));
    candidates = stage.kept;
    second = !second;
    return keep_best(stage, stream);
  });
  if (failure != 0) return failure;
  return gather_similarities(similarities, request.batch, layout.rows, request.indices, request.k, request.similarities, stream);
}

}  // namespace

}  // namespace interrogator::cuda

extern "C" int64_t interrogator_cuda_top_k_workspace(const interrogator_cuda_top_k_request* request) {
  using namespace interrogator::cuda;
  return request && check(*request) == INTERROGATOR_CUDA_OK ? Layout(*request).bytes() : 0;
}

extern "C" int interrogator_cuda_top_k(const interrogator_cuda_top_k_request* request, void* workspace, int64_t workspace_bytes,
                                       int32_t device, void* stream) {
  using namespace interrogator::cuda;
  if (!request) return INTERROGATOR_CUDA_INVALID;
  if (const int failure = check(*request); failure != INTERROGATOR_CUDA_OK) return failure;
  if (request->batch == 0) return INTERROGATOR_CUDA_OK;
  const Layout layout(*request);
  if (!workspace || workspace_bytes < layout.bytes()) return INTERROGATOR_CUDA_WORKSPACE;
  if (const int failure = use_device(device); failure != 0) return failure;
  return run(*request, layout, static_cast<unsigned char*>(workspace), stream);
}
