#include "ops/tree_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "ops/simd/attention_rows.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kRows = 256;  // rows that a thread takes at a time

at::Tensor rows_with_unit_stride(const at::Tensor& tensor) {
  const at::Tensor floats = tensor.to(at::kFloat);
  return floats.stride(2) == 1 ? floats : floats.contiguous();
}

std::int64_t padded_to_vectors(std::int64_t size) { return (size + simd::kPadding - 1) / simd::kPadding * simd::kPadding; }

/// [H, P, d] → [H, d, P rounded up], the rest 0: the form in which one load holds a dimension of several keys.
at::Tensor transposed_keys(const at::Tensor& prefix_k) {
  const std::int64_t prefix = prefix_k.size(1);
  const std::int64_t padded = padded_to_vectors(prefix);
  at::Tensor keys = at::zeros({prefix_k.size(0), prefix_k.size(2), padded}, at::kFloat);
  keys.narrow(2, 0, prefix).copy_(prefix_k.transpose(1, 2));
  return keys;
}

}  // namespace

void check_tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors) {
  TORCH_CHECK(q.dim() == 3, "tree_attention: q must be [R, H, d]");
  TORCH_CHECK(k.dim() == 3 && k.sizes().slice(1) == q.sizes().slice(1) && v.sizes() == k.sizes(),
              "tree_attention: k and v must be [M, H, d] alike");
  TORCH_CHECK(prefix_k.dim() == 3 && prefix_k.size(0) == q.size(1) && prefix_k.size(2) == q.size(2) && prefix_v.sizes() == prefix_k.sizes(),
              "tree_attention: prefix_k and prefix_v must be [H, P, d] alike");
  TORCH_CHECK(ancestors.dim() == 2 && ancestors.size(0) == q.size(0) && ancestors.scalar_type() == at::kLong,
              "tree_attention: ancestors must be int64 [R, A]");
  for (const at::Tensor* tensor : {&k, &v, &prefix_k, &prefix_v}) {
    TORCH_CHECK(tensor->scalar_type() == q.scalar_type(), "tree_attention: q, k, v and the prefix must be of one type");
  }
  for (const at::Tensor* tensor : {&k, &v, &prefix_k, &prefix_v, &ancestors}) {
    TORCH_CHECK(tensor->device() == q.device(), "tree_attention: all tensors must be on one device");
  }
  TORCH_CHECK(q.scalar_type() == at::kFloat || q.scalar_type() == at::kHalf || q.scalar_type() == at::kBFloat16,
              "tree_attention: float32, float16 or bfloat16 needed, got ", q.scalar_type());
}

at::Tensor tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale, SimdSet set) {
  simd::AttendRows* const attend = INTERROGATOR_CHOOSE(set, simd::attend_rows);
  const at::Tensor path = ancestors.contiguous();
  check_tree_attention(q, k, v, prefix_k, prefix_v, path);
  const std::int64_t* const nodes = path.const_data_ptr<std::int64_t>();
  const bool inside = std::all_of(nodes, nodes + path.numel(), [&](std::int64_t node) { return node >= -1 && node < k.size(0); });
  TORCH_CHECK(inside, "tree_attention: an ancestor is outside the tree");
  const std::int64_t count = q.size(0), heads = q.size(1), head_dim = q.size(2), prefix = prefix_k.size(1), width = path.size(1);
  at::Tensor result = at::empty(q.sizes(), q.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
  if (result.numel() == 0) return result.to(q.scalar_type());

  const at::Tensor queries = rows_with_unit_stride(q), keys = rows_with_unit_stride(k), values = rows_with_unit_stride(v);
  const at::Tensor shared_keys = transposed_keys(prefix_k), shared_values = prefix_v.to(at::kFloat).contiguous();
  const std::int64_t padded = shared_keys.size(2), padded_width = padded_to_vectors(width);
  const std::int64_t blocks = (count + kRows - 1) / kRows;
  at::parallel_for(0, blocks * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(simd::kTileRows * (padded + padded_width)));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t head = task % heads;
      simd::AttentionRows rows;
      rows.queries = queries.const_data_ptr<float>() + head * queries.stride(1);
      rows.query_stride = queries.stride(0);
      rows.keys = keys.const_data_ptr<float>() + head * keys.stride(1);
      rows.key_stride = keys.stride(0);
      rows.values = values.const_data_ptr<float>() + head * values.stride(1);
      rows.value_stride = values.stride(0);
      rows.prefix_keys = shared_keys.const_data_ptr<float>() + head * head_dim * padded;
      rows.prefix_values = shared_values.const_data_ptr<float>() + head * prefix * head_dim;
      rows.prefix = prefix;
      rows.padded_prefix = padded;
      rows.ancestors = path.const_data_ptr<std::int64_t>();
      rows.width = width;
      rows.first = task / heads * kRows;
      rows.last = std::min(rows.first + kRows, count);
      rows.head_dim = head_dim;
      rows.scale = static_cast<float>(scale);
      rows.results = result.data_ptr<float>() + head * head_dim;
      rows.result_stride = heads * head_dim;
      rows.scratch = scratch.data();
      rows.padded_width = padded_width;
      attend(rows);
    }
  });
  return result.to(q.scalar_type());
}

}  // namespace interrogator::ops
