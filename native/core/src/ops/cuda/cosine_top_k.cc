#include "ops/cuda/cosine_top_k.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <tuple>

#include "device/transfer.h"
#include "ops/ranking_stages.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kBatch = 64;  // features a pass over the matrix: bounds what is kept

/// Of one pass, on the device.
struct Ranked {
  at::Tensor indices;       ///< int32 [batch, k]
  at::Tensor similarities;  ///< float32 [batch, k]
};

std::optional<Ranked> rank_by_kernel(const CudaKernels& kernels, const std::vector<at::Tensor>& matrices, const at::Tensor& features,
                                     const RankingStages& stages) {
  std::vector<interrogator_cuda_label_rows> labels;
  for (const at::Tensor& matrix : matrices) labels.push_back({matrix.const_data_ptr(), matrix.size(0)});
  const at::TensorOptions on_device = at::TensorOptions().device(features.device());
  Ranked ranked{at::empty({features.size(0), stages.k}, on_device.dtype(at::kInt)),
                at::empty({features.size(0), stages.k}, on_device.dtype(at::kFloat))};
  interrogator_cuda_top_k_request request{};
  request.matrices = labels.data();
  request.matrix_count = static_cast<std::int64_t>(labels.size());
  request.features = features.const_data_ptr<float>();
  request.batch = features.size(0);
  request.dim = features.size(1);
  request.segment_rows = stages.segment_rows;
  request.keep = stages.keep;
  request.k = stages.k;
  request.reverse = stages.reverse;
  request.final_reverse = stages.final_reverse;
  request.indices = ranked.indices.data_ptr<std::int32_t>();
  request.similarities = ranked.similarities.data_ptr<float>();
  const std::int64_t bytes = kernels.top_k_workspace(request);
  // libtorch's allocator hands the memory out again behind this stream's work.
  const at::Tensor workspace = at::empty({bytes}, on_device.dtype(at::kByte));
  if (!kernels.top_k(request, workspace.data_ptr(), bytes, current_stream(features.device()))) return std::nullopt;
  return ranked;
}

/// The best `keep` of `candidates` (rows of each feature, int64 [batch, count], rising) by a stable sort.
at::Tensor keep_best(const at::Tensor& similarities, const at::Tensor& candidates, std::int64_t keep, bool reverse) {
  const at::Tensor given = similarities.gather(1, candidates);
  const at::Tensor keys = (reverse ? given.neg() : given).masked_fill(given.isnan(), -std::numeric_limits<float>::infinity());
  const at::Tensor order = std::get<1>(at::sort(keys, /*stable=*/true, /*dim=*/1, /*descending=*/true));
  return candidates.gather(1, order.narrow(1, 0, std::min(keep, candidates.size(1))));
}

Ranked rank_by_sorting(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const RankingStages& stages) {
  std::vector<at::Tensor> products;
  for (const at::Tensor& matrix : matrices) products.push_back(at::matmul(features, matrix.to(at::kFloat).t()));
  const at::Tensor similarities = at::cat(products, 1);
  at::Tensor candidates = at::arange(stages.rows, similarities.options().dtype(at::kLong)).expand_as(similarities);
  if (stages.segment_rows < stages.rows) {
    std::vector<at::Tensor> kept;
    for (std::int64_t start = 0; start < stages.rows; start += stages.segment_rows) {
      const at::Tensor segment = candidates.narrow(1, start, std::min(stages.segment_rows, stages.rows - start));
      kept.push_back(keep_best(similarities, segment, stages.keep, stages.reverse));
    }
    candidates = std::get<0>(at::cat(kept, 1).sort(1));  // equals by lowest index
  }
  const at::Tensor best = keep_best(similarities, candidates, stages.k, stages.final_reverse);
  return {best.to(at::kInt), similarities.gather(1, best)};
}

void append(const Ranked& ranked, TopK& result) {
  const std::vector<at::Tensor> host = download({ranked.indices.contiguous(), ranked.similarities.contiguous()});
  const auto* const indices = host[0].const_data_ptr<std::int32_t>();
  const auto* const similarities = host[1].const_data_ptr<float>();
  result.indices.insert(result.indices.end(), indices, indices + host[0].numel());
  result.similarities.insert(result.similarities.end(), similarities, similarities + host[1].numel());
}

}  // namespace

TopK rank_cuda(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const TopKOptions& options,
               const CudaKernels* kernels) {
  const RankingStages stages = ranking_stages(options, matrices);
  TopK result{features.size(0), stages.k, {}, {}};
  if (stages.rows == 0) return result;
  for (std::int64_t first = 0; first < result.rows; first += kBatch) {
    const at::Tensor pass = features.narrow(0, first, std::min(kBatch, result.rows - first));
    std::optional<Ranked> ranked;
    if (kernels) ranked = rank_by_kernel(*kernels, matrices, pass, stages);
    append(ranked ? *ranked : rank_by_sorting(matrices, pass, stages), result);
  }
  return result;
}

}  // namespace interrogator::ops
