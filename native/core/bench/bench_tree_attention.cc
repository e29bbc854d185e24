#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "measure.h"
#include "ops/operators.h"
#include "ops/tree_attention.h"

namespace interrogator::bench {

namespace {

/// A chain step's tree: phrases of four tokens and an end token after a prompt; each phrase a path of its own.
at::Tensor paths(std::int64_t nodes, std::int64_t depth) {
  at::Tensor ancestors = at::full({nodes, depth}, -1, at::kLong);
  auto* const rows = ancestors.data_ptr<std::int64_t>();
  for (std::int64_t node = 0; node < nodes; ++node) {
    for (std::int64_t step = 0; step <= node % depth; ++step) rows[node * depth + step] = node - node % depth + step;
  }
  return ancestors;
}

}  // namespace

void bench_tree_attention(Suite& suite) {
  ops::register_operators();
  constexpr std::int64_t kNodes = 8192, kDepth = 5, kHeadDim = 64;
  for (const std::int64_t heads : {8, 12}) {
    for (const std::int64_t prefix : {16, 70}) {
      const std::string name = "tree_attention 8192 nodes, " + std::to_string(heads) + " heads, prefix " + std::to_string(prefix);
      if (!suite.wants(name)) continue;
      const c10::Device device = suite.device()->torch_device();
      const auto kind = at::TensorOptions(device).dtype(device.is_cpu() ? at::kFloat : at::kHalf);
      // As the tower gives them: three views of one product.
      const at::Tensor qkv = at::randn({kNodes, 3, heads, kHeadDim}, kind);
      const at::Tensor prefix_k = at::randn({heads, prefix, kHeadDim}, kind), prefix_v = at::randn({heads, prefix, kHeadDim}, kind);
      const at::Tensor ancestors = paths(kNodes, kDepth).to(device);
      const auto op = c10::Dispatcher::singleton()
                          .findSchemaOrThrow("interrogator::tree_attention", "")
                          .typed<at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                            const at::Tensor&, double)>();
      const double seen = static_cast<double>(prefix) + (1 + kDepth) / 2.0;
      const auto width = static_cast<double>(heads * kHeadDim), rows = static_cast<double>(kNodes);
      suite.measure(name, "call", {.flops = 4 * rows * width * seen, .bytes = 4 * rows * width * static_cast<double>(qkv.element_size())},
                    [&] { op.call(qkv.select(1, 0), qkv.select(1, 1), qkv.select(1, 2), prefix_k, prefix_v, ancestors, 0.125); });
    }
  }
}

}  // namespace interrogator::bench
