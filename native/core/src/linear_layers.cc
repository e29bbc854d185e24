#include "linear_layers.h"

#include <torch/csrc/jit/ir/ir.h>

#include <unordered_map>
#include <utility>
#include <vector>

#include "memory.h"
#include "ops/linear.h"

namespace interrogator {

namespace {

using torch::jit::Block;
using torch::jit::Module;
using torch::jit::Node;
using torch::jit::Value;

/// How the module's methods use a tensor.
struct WeightUse {
  at::Tensor tensor;
  bool by_linear = false, with_bias = true, otherwise = false;
};

/// Looks each attribute that a method reads up in the module's own objects: several share a method's graph.
class WeightUses {
 public:
  explicit WeightUses(const Module& module) {
    for (const Module& part : module.modules()) {
      for (const torch::jit::Method& method : part.get_methods()) {
        values_.clear();
        values_[method.graph()->inputs().at(0)] = part._ivalue();
        read(*method.graph()->block());
      }
    }
  }

  /// None where a method reads attributes of an object that is not known before it runs: that may be any.
  std::vector<WeightUse> take() {
    std::vector<WeightUse> uses;
    if (unknown_) return uses;
    for (auto& [tensor, use] : uses_) uses.push_back(std::move(use));
    return uses;
  }

 private:
  void read(const Block& block) {
    for (const Node* const node : block.nodes()) {
      if (node->kind() == c10::prim::GetAttr) read_attribute(*node);
      for (const Block* const inner : node->blocks()) read(*inner);
    }
  }

  void read_attribute(const Node& node) {
    const auto owner = values_.find(node.input());
    if (owner == values_.end()) {
      unknown_ = true;
      return;
    }
    const c10::IValue value = owner->second.toObject()->getAttr(node.s(c10::attr::name));
    if (value.isObject()) values_[node.output()] = value;
    if (!value.isTensor() || !value.toTensor().defined()) return;
    WeightUse& use = uses_[value.toTensor().unsafeGetTensorImpl()];
    use.tensor = value.toTensor();
    for (const torch::jit::Use& by : node.output()->uses()) {
      const bool as_weight = by.user->kind() == c10::aten::linear && by.offset == 1;
      if (!as_weight) {
        use.otherwise = true;
        continue;
      }
      use.by_linear = true;
      use.with_bias = use.with_bias && has_bias(by.user->input(2), use.tensor);
    }
  }

  /// Whether it is surely there, with a number for each of the weight's outputs.
  bool has_bias(const Value* bias, const at::Tensor& weight) const {
    const Node* const node = bias->node();
    if (node->kind() != c10::prim::GetAttr) return false;
    const auto owner = values_.find(node->input());
    if (owner == values_.end()) return false;
    const c10::IValue value = owner->second.toObject()->getAttr(node->s(c10::attr::name));
    if (!value.isTensor() || !value.toTensor().defined()) return false;
    const at::Tensor& numbers = value.toTensor();
    return numbers.is_contiguous() && numbers.scalar_type() == at::kFloat && numbers.dim() == 1 && weight.dim() == 2 &&
           numbers.numel() == weight.size(0);
  }

  std::unordered_map<const Value*, c10::IValue> values_;  // the objects of the graph at hand
  std::unordered_map<const at::TensorImpl*, WeightUse> uses_;
  bool unknown_ = false;
};

void replace_in(Block& block) {
  static const auto ours = c10::Symbol::fromQualString("interrogator::linear");
  std::vector<Node*> found;
  for (Node* const node : block.nodes()) {
    for (Block* const inner : node->blocks()) replace_in(*inner);
    if (node->kind() == c10::aten::linear) found.push_back(node);
  }
  for (Node* const node : found) node->replaceWithNewSymbol(ours);
  for (Node* const node : found) node->destroy();
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

// The allocator would keep all that is freed, and the process would take the weights twice.
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
  if (ops::packing_pays()) pack_all(WeightUses(module).take());
  for (const Module& part : module.modules()) {
    for (const torch::jit::Method& method : part.get_methods()) replace_in(*method.graph()->block());
  }
}

}  // namespace interrogator
