#include "weights/linear_layers.h"

#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ops/packed_weights.h"
#include "platform/memory.h"
#include "weights/weight_uses.h"

namespace interrogator {

namespace {

using torch::jit::Block;
using torch::jit::Module;
using torch::jit::Node;

void replace_in(Block& block) {
  static const auto linear = c10::Symbol::fromQualString("interrogator::linear");
  static const auto embedding = c10::Symbol::fromQualString("interrogator::embedding");
  std::vector<std::pair<Node*, c10::Symbol>> found;
  for (Node* const node : block.nodes()) {
    for (Block* const inner : node->blocks()) replace_in(*inner);
    if (node->kind() == c10::aten::linear) found.emplace_back(node, linear);
    if (node->kind() == c10::aten::embedding) found.emplace_back(node, embedding);
  }
  for (const auto& [node, ours] : found) node->replaceWithNewSymbol(ours);
  for (const auto& [node, ours] : found) node->destroy();
}

/// Packed in place. Returns the bytes of what was freed.
std::size_t pack(const WeightUse& use) {
  at::Tensor weight = use.tensor;
  const bool fits =
      use.by_linear && !use.otherwise && weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.dim() == 2 && weight.size(1) > 0;
  if (!fits) return 0;
  const at::Tensor packed = ops::pack_weight(weight.detach(), use.with_bias);
  if (!packed.defined()) return 0;
  const std::size_t freed = weight.nbytes();
  weight.set_data(packed);
  return freed;
}

// Kept for tensors that never come, what is freed would make the process take the weights twice.
constexpr std::size_t kFreedAtOnce = 64 << 20;

void pack_all(std::vector<WeightUse> uses) {
  std::size_t freed = 0;
  for (WeightUse& use : uses) {
    freed += pack(std::exchange(use, {}));
    if (freed < kFreedAtOnce) continue;
    release_freed_memory();
    freed = 0;
  }
  release_freed_memory();
}

}  // namespace

void take_over_linear_layers(const Module& module) {
  if (ops::packing_pays()) pack_all(weight_uses(module));
  for (const Module& part : module.modules()) {
    for (const torch::jit::Method& method : part.get_methods()) replace_in(*method.graph()->block());
  }
}

std::optional<Module> with_quantized_linear_layers(const Module& module, const char* method) {
  Module copy = module.clone(/*inplace=*/true);
  bool any = false;
  for (const WeightUse& use : weight_uses(copy, method)) {
    const bool packed = use.by_linear && use.tensor.is_cpu() && use.tensor.scalar_type() == at::kFloat && use.tensor.dim() == 3;
    if (!packed) continue;
    if (std::any_of(use.places.begin(), use.places.end(), [](const WeightPlace& place) { return !place.only_linear; })) continue;
    const at::Tensor quantized = ops::quantize_weight(use.tensor.detach());
    for (const WeightPlace& place : use.places) {
      place.owner->setAttr(place.name, quantized);
      any = true;
    }
  }
  if (!any) return std::nullopt;
  return copy;
}

}  // namespace interrogator
