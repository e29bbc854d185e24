#include "ops/independent/attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/simd/attention.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kLeastQueries = 32;  // of a head that are worth another thread, which lays keys and values out once more

bool is_ours(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  for (const at::Tensor* tensor : {&q, &k, &v}) {
    if (!tensor->is_cpu() || tensor->scalar_type() != at::kFloat || tensor->dim() != 4) return false;
  }
  return k.size(0) == q.size(0) && k.size(1) == q.size(1) && k.size(3) == q.size(3) && v.sizes().slice(0, 3) == k.sizes().slice(0, 3);
}

at::Tensor with_unit_stride(const at::Tensor& tensor) { return tensor.stride(3) == 1 ? tensor : tensor.contiguous(); }

/// [B, heads, T, S] by strides; undefined for none.
at::Tensor expanded_mask(const std::optional<at::Tensor>& mask, bool is_causal, const at::Tensor& q, const at::Tensor& k) {
  const std::int64_t queries = q.size(2), tokens = k.size(2);
  at::Tensor all;
  if (is_causal) all = at::ones({queries, tokens}, at::kBool).tril();
  else if (mask && mask->defined()) all = *mask;
  if (!all.defined()) return all;
  TORCH_CHECK(all.scalar_type() == at::kBool || all.scalar_type() == at::kFloat, "attention takes a mask of bool or float32, not ",
              all.scalar_type());
  return with_unit_stride((all.stride(-1) == 1 ? all : all.contiguous()).expand({q.size(0), q.size(1), queries, tokens}));
}

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask, bool is_causal,
                     std::optional<double> scale, SimdSet set) {
  if (q.dim() == 3 && k.dim() == 3 && v.dim() == 3 && (!mask || mask->dim() < 3)) {
    return attention(q.unsqueeze(1), k.unsqueeze(1), v.unsqueeze(1), mask, is_causal, scale, set).squeeze(1);
  }
  if (!is_ours(q, k, v)) return at::scaled_dot_product_attention(q, k, v, mask, 0, is_causal, scale);
  const at::Tensor queries = with_unit_stride(q), keys = with_unit_stride(k), values = with_unit_stride(v);
  const at::Tensor seen = expanded_mask(mask, is_causal, q, k);
  const std::int64_t batch = q.size(0), heads = q.size(1), count = q.size(2), tokens = k.size(2), dim = v.size(3);
  // Beside each other in memory as the layers after it read them.
  const at::Tensor result = at::empty({batch, count, heads, dim}, q.options()).transpose(1, 2);
  if (result.numel() == 0) return result;

  const auto head = [&](std::int64_t b, std::int64_t h) {
    simd::Attention made{.queries = queries.const_data_ptr<float>() + b * queries.stride(0) + h * queries.stride(1),
                         .query_stride = queries.stride(2),
                         .keys = keys.const_data_ptr<float>() + b * keys.stride(0) + h * keys.stride(1),
                         .key_stride = keys.stride(2),
                         .values = values.const_data_ptr<float>() + b * values.stride(0) + h * values.stride(1),
                         .value_stride = values.stride(2),
                         .tokens = tokens,
                         .head_dim = q.size(3),
                         .value_dim = dim,
                         .scale = static_cast<float>(scale.value_or(1 / std::sqrt(static_cast<double>(q.size(3))))),
                         .results = result.data_ptr<float>() + b * result.stride(0) + h * result.stride(1),
                         .result_stride = result.stride(2)};
    if (!seen.defined()) return made;
    const std::int64_t start = b * seen.stride(0) + h * seen.stride(1);
    if (seen.scalar_type() == at::kBool) {
      made.seen = seen.const_data_ptr<bool>() + start;
      made.seen_stride = seen.stride(2);
    } else {
      made.bias = seen.const_data_ptr<float>() + start;
      made.bias_stride = seen.stride(2);
    }
    return made;
  };

  const bool few = count <= kFewQueries;
  simd::AttendPacked* const attend = few ? INTERROGATOR_CHOOSE(set, simd::attend_few) : INTERROGATOR_CHOOSE(set, simd::attend_packed);
  simd::PackHead* const pack = INTERROGATOR_CHOOSE(set, simd::pack_head);
  const std::int64_t scratch_size = INTERROGATOR_CHOOSE(set, simd::attention_scratch)(tokens, q.size(3), dim);
  const std::int64_t wanted = (2 * at::get_num_threads() + batch * heads - 1) / (batch * heads);
  const std::int64_t parts = std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(count / kLeastQueries, 1));
  at::parallel_for(0, batch * heads * parts, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>(scratch_size));
    std::int64_t packed = -1;
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t index = task / parts, part = task % parts;
      const simd::Attention here = head(index / heads, index % heads);
      if (!few && packed != index) pack(here, scratch.data());
      packed = index;
      attend(here, count * part / parts, count * (part + 1) / parts, scratch.data());
    }
  });
  return result;
}

}  // namespace interrogator::ops
