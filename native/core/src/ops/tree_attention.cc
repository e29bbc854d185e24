#include "ops/tree_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/InferenceMode.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "ops/tree_attention_cuda.h"

namespace interrogator::ops {

namespace {

// Rows a pass over the prefix: the scores of a head and their weights stay in the cache.
constexpr std::int64_t kRows = 256;

float dot(const float* a, const float* b, std::int64_t size) {
  // Eight sums: the compiler may not reorder one.
  float sums[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= size; i += 8) {
    for (int lane = 0; lane < 8; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  float sum = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

void add_scaled(const float* values, float factor, std::int64_t size, float* sums) {
  for (std::int64_t i = 0; i < size; ++i) sums[i] += factor * values[i];
}

/// One head's part of [M, H, d]: row m at data + m * stride.
struct HeadRows {
  const float* data = nullptr;
  std::int64_t stride = 0;
  const float* row(std::int64_t m) const { return data + m * stride; }
};

HeadRows head_rows(const at::Tensor& tensor, std::int64_t head) {
  return {tensor.const_data_ptr<float>() + head * tensor.stride(1), tensor.stride(0)};
}

struct Tree {
  const std::int64_t* ancestors = nullptr;
  std::int64_t width = 0;
  const std::int64_t* path(std::int64_t node) const { return ancestors + node * width; }
  std::int64_t length(std::int64_t node) const {
    const std::int64_t* const row = path(node);
    return std::find(row, row + width, std::int64_t{-1}) - row;
  }
};

/// softmax over prefix and path scores of one node, in place; the path's part of the result added to
/// `result` (head size d). `prefix` holds P scores and then their weights.
void attend_node(float* prefix, std::int64_t prefix_length, float* scores, const std::int64_t* path, std::int64_t length, const float* q,
                 const HeadRows& keys, const HeadRows& values, std::int64_t d, float scale, float* result) {
  float largest = -std::numeric_limits<float>::infinity();
  for (std::int64_t i = 0; i < prefix_length; ++i) largest = std::max(largest, prefix[i] *= scale);
  for (std::int64_t i = 0; i < length; ++i) largest = std::max(largest, scores[i] = dot(q, keys.row(path[i]), d) * scale);

  float sum = 0;
  for (std::int64_t i = 0; i < prefix_length; ++i) sum += prefix[i] = std::exp(prefix[i] - largest);
  for (std::int64_t i = 0; i < length; ++i) sum += scores[i] = std::exp(scores[i] - largest);
  const float norm = 1.0F / sum;
  for (std::int64_t i = 0; i < prefix_length; ++i) prefix[i] *= norm;

  std::fill_n(result, d, 0.0F);
  for (std::int64_t i = 0; i < length; ++i) add_scaled(values.row(path[i]), scores[i] * norm, d, result);
}

/// Rows [first, last) of one head. The prefix is two matrix products, the path direct loops: few rows
/// of keys, close together in memory and mostly still in the cache from the node before.
void attend_head(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k, const at::Tensor& prefix_v,
                 const Tree& tree, float scale, std::int64_t head, std::int64_t first, std::int64_t last, at::Tensor& result) {
  const std::int64_t d = q.size(2), prefix_length = prefix_k.size(1);
  const HeadRows keys = head_rows(k, head), values = head_rows(v, head), queries = head_rows(q, head);
  std::vector<float> scores(static_cast<std::size_t>(tree.width));
  at::Tensor weights = at::matmul(q.slice(0, first, last).select(1, head), prefix_k.select(0, head).t()).contiguous();
  at::Tensor target = result.slice(0, first, last).select(1, head);
  for (std::int64_t node = first; node < last; ++node) {
    attend_node(weights.data_ptr<float>() + (node - first) * prefix_length, prefix_length, scores.data(), tree.path(node),
                tree.length(node), queries.row(node), keys, values, d, scale, target.data_ptr<float>() + (node - first) * target.stride(0));
  }
  if (prefix_length > 0) target.add_(at::matmul(weights, prefix_v.select(0, head)));
}

at::Tensor rows_with_unit_stride(const at::Tensor& tensor) {
  const at::Tensor floats = tensor.to(at::kFloat);
  return floats.stride(2) == 1 ? floats : floats.contiguous();
}

void check(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k, const at::Tensor& prefix_v,
           const at::Tensor& ancestors) {
  TORCH_CHECK(q.dim() == 3 && k.sizes() == q.sizes() && v.sizes() == q.sizes(), "tree_attention: q, k and v must be [M, H, d] alike");
  TORCH_CHECK(prefix_k.dim() == 3 && prefix_k.size(0) == q.size(1) && prefix_k.size(2) == q.size(2) && prefix_v.sizes() == prefix_k.sizes(),
              "tree_attention: prefix_k and prefix_v must be [H, P, d] alike");
  TORCH_CHECK(ancestors.dim() == 2 && ancestors.size(0) == q.size(0) && ancestors.scalar_type() == at::kLong,
              "tree_attention: ancestors must be int64 [M, A]");
  for (const at::Tensor* tensor : {&q, &k, &v, &prefix_k, &prefix_v}) {
    TORCH_CHECK(tensor->scalar_type() == q.scalar_type(), "tree_attention: q, k, v and the prefix must be of one type");
  }
  TORCH_CHECK(q.scalar_type() == at::kFloat || q.scalar_type() == at::kHalf || q.scalar_type() == at::kBFloat16,
              "tree_attention: float32, float16 or bfloat16 needed, got ", q.scalar_type());
  const std::int64_t* const nodes = ancestors.const_data_ptr<std::int64_t>();
  const bool inside = std::all_of(nodes, nodes + ancestors.numel(), [&](std::int64_t node) { return node >= -1 && node < q.size(0); });
  TORCH_CHECK(inside, "tree_attention: an ancestor is outside the tree");
}

}  // namespace

at::Tensor tree_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                          const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale) {
  const at::Tensor path = ancestors.contiguous();
  check(q, k, v, prefix_k, prefix_v, path);
  const std::int64_t nodes = q.size(0), heads = q.size(1);
  at::Tensor result = at::empty(q.sizes(), q.options().dtype(at::kFloat));
  if (result.numel() == 0) return result.to(q.scalar_type());

  const at::Tensor queries = rows_with_unit_stride(q), keys = rows_with_unit_stride(k), values = rows_with_unit_stride(v);
  const at::Tensor shared_keys = prefix_k.to(at::kFloat), shared_values = prefix_v.to(at::kFloat);
  const Tree tree{path.const_data_ptr<std::int64_t>(), path.size(1)};
  const std::int64_t blocks = (nodes + kRows - 1) / kRows;
  at::parallel_for(0, blocks * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    // libtorch does not hand the mode on to its threads, and the tensors may come from it.
    const c10::InferenceMode inference;
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t first = task / heads * kRows;
      attend_head(queries, keys, values, shared_keys, shared_values, tree, static_cast<float>(scale), task % heads, first,
                  std::min(first + kRows, nodes), result);
    }
  });
  return result.to(q.scalar_type());
}

void register_operators() {
  // Not the TORCH_LIBRARY macro: the linker would drop its static object with this file, and a second
  // copy of the core in the process would abort on the second definition.
  static const bool registered = [] {
    if (c10::Dispatcher::singleton().findSchema({"interrogator::tree_attention", ""})) return true;
    // Never destroyed: at exit a device's thread may still be inside the operator.
    auto* const library = new torch::Library(torch::Library::DEF, "interrogator", std::nullopt, __FILE__, __LINE__);
    library->def("tree_attention(Tensor q, Tensor k, Tensor v, Tensor prefix_k, Tensor prefix_v, Tensor ancestors, float scale) -> Tensor");
    library->impl("tree_attention", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(tree_attention)));
    library->impl("tree_attention", torch::dispatch(c10::DispatchKey::CUDA, TORCH_FN(tree_attention_cuda)));
    return true;
  }();
  (void)registered;
}

}  // namespace interrogator::ops
