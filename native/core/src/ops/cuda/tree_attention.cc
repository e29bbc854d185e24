#include "ops/cuda/tree_attention.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "device/transfer.h"
#include "ops/tree_attention.h"

namespace interrogator::ops {

namespace {

// Numbers of gathered keys a pass of the fallback: 64 MiB.
constexpr std::int64_t kGathered = std::int64_t{1} << 24;

at::Tensor rows_with_unit_stride(const at::Tensor& tensor) { return tensor.stride(2) == 1 ? tensor : tensor.contiguous(); }

/// False where the kernel does not take it.
bool run_kernel(const CudaKernels& kernels, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale, at::Tensor& result) {
  const at::Tensor queries = rows_with_unit_stride(q), keys = rows_with_unit_stride(k), values = rows_with_unit_stride(v);
  const at::Tensor shared_keys = rows_with_unit_stride(prefix_k), shared_values = rows_with_unit_stride(prefix_v);
  const at::Tensor path = ancestors.contiguous();
  interrogator_cuda_tree_attention_request request{};
  request.type = cuda_type(q.scalar_type());
  request.rows = q.size(0);
  request.nodes = k.size(0);
  request.heads = q.size(1);
  request.head_dim = q.size(2);
  request.prefix_length = prefix_k.size(1);
  request.ancestors_width = path.size(1);
  request.q = queries.const_data_ptr();
  request.k = keys.const_data_ptr();
  request.v = values.const_data_ptr();
  request.prefix_k = shared_keys.const_data_ptr();
  request.prefix_v = shared_values.const_data_ptr();
  request.ancestors = path.const_data_ptr<std::int64_t>();
  request.q_row_stride = queries.stride(0), request.q_head_stride = queries.stride(1);
  request.k_row_stride = keys.stride(0), request.k_head_stride = keys.stride(1);
  request.v_row_stride = values.stride(0), request.v_head_stride = values.stride(1);
  request.prefix_k_head_stride = shared_keys.stride(0), request.prefix_k_row_stride = shared_keys.stride(1);
  request.prefix_v_head_stride = shared_values.stride(0), request.prefix_v_row_stride = shared_values.stride(1);
  request.scale = static_cast<float>(scale);
  request.result = result.data_ptr();
  return kernels.tree_attention(request, current_stream(q.device()));
}

/// With gathered keys and values: libtorch's operators alone, a block of rows at a time.
void run_gathered(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k, const at::Tensor& prefix_v,
                  const at::Tensor& all_ancestors, double scale, at::Tensor& result) {
  const std::int64_t rows = q.size(0), heads = q.size(1), d = q.size(2), nodes = k.size(0), prefix_length = prefix_k.size(1);
  const at::Tensor ancestors = nodes > 0 ? all_ancestors : all_ancestors.slice(1, 0, 0);
  const std::int64_t width = ancestors.size(1);
  const std::int64_t block = std::clamp<std::int64_t>(kGathered / std::max<std::int64_t>(width * heads * d, 1), 1, rows);
  const at::Tensor shared_keys = prefix_k.to(at::kFloat), shared_values = prefix_v.to(at::kFloat);
  for (std::int64_t first = 0; first < rows; first += block) {
    const std::int64_t count = std::min(block, rows - first);
    const at::Tensor path = ancestors.narrow(0, first, count);
    const at::Tensor present = path.ge(0).logical_and(path.lt(nodes)).to(at::kLong).cumprod(1).to(at::kBool);
    const at::Tensor gathered = path.clamp(0, std::max<std::int64_t>(nodes - 1, 0)).reshape({-1});
    const auto rows_of = [&](const at::Tensor& tensor) {
      return tensor.index_select(0, gathered).view({count, width, heads, d}).transpose(1, 2).to(at::kFloat);  // [rows, H, A, d]
    };
    const at::Tensor queries = q.narrow(0, first, count).to(at::kFloat);
    const at::Tensor path_scores = at::matmul(queries.unsqueeze(2), rows_of(k).transpose(2, 3))
                                       .squeeze(2)
                                       .mul(scale)
                                       .masked_fill(present.logical_not().unsqueeze(1), -std::numeric_limits<float>::infinity());
    const at::Tensor prefix_scores = at::matmul(queries.transpose(0, 1), shared_keys.transpose(1, 2)).transpose(0, 1).mul(scale);
    at::Tensor weights = at::cat({prefix_scores, path_scores}, 2).softmax(2);
    // A row that attends to nothing: zeros, where softmax has no answer.
    if (prefix_length == 0) weights = weights.masked_fill(present.any(1).logical_not().view({count, 1, 1}), 0);
    const at::Tensor from_prefix = at::matmul(weights.narrow(2, 0, prefix_length).transpose(0, 1), shared_values).transpose(0, 1);
    const at::Tensor from_path = at::matmul(weights.narrow(2, prefix_length, width).unsqueeze(2), rows_of(v)).squeeze(2);
    result.narrow(0, first, count).copy_(from_prefix + from_path);
  }
}

}  // namespace

at::Tensor tree_attention_with(const CudaKernels* kernels, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                               const at::Tensor& prefix_k, const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale) {
  check_tree_attention(q, k, v, prefix_k, prefix_v, ancestors);
  at::Tensor result = at::empty(q.sizes(), q.options(), at::MemoryFormat::Contiguous);
  if (result.numel() == 0) return result;
  if (!kernels || !run_kernel(*kernels, q, k, v, prefix_k, prefix_v, ancestors, scale, result)) {
    run_gathered(q, k, v, prefix_k, prefix_v, ancestors, scale, result);
  }
  return result;
}

at::Tensor tree_attention_cuda(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                               const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale) {
  return tree_attention_with(cuda_kernels(), q, k, v, prefix_k, prefix_v, ancestors, scale);
}

}  // namespace interrogator::ops
