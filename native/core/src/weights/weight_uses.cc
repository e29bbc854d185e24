#include "weights/weight_uses.h"

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <unordered_map>
#include <utility>

namespace interrogator {

namespace {

using torch::jit::Block;
using torch::jit::Module;
using torch::jit::Node;
using torch::jit::Value;

bool is_weight_of_linear(const torch::jit::Use& use) {
  static const auto ours = c10::Symbol::fromQualString("interrogator::linear");
  return (use.user->kind() == c10::aten::linear || use.user->kind() == ours) && use.offset == 1;
}

bool is_weight_of_embedding(const torch::jit::Use& use) {
  static const auto ours = c10::Symbol::fromQualString("interrogator::embedding");
  return (use.user->kind() == c10::aten::embedding || use.user->kind() == ours) && use.offset == 0;
}

/// Looks each attribute that a method reads up in the module's own objects: several share a method's graph.
class WeightUses {
 public:
  explicit WeightUses(const Module& module) {
    for (const Module& part : module.modules()) {
      for (const torch::jit::Method& method : part.get_methods()) {
        read(*method.graph(), part);
      }
    }
  }

  WeightUses(const Module& module, const char* method) {
    const auto graph = module.get_method(method).graph()->copy();
    torch::jit::Inline(*graph);
    read(*graph, module);
  }

  std::vector<WeightUse> take() {
    std::vector<WeightUse> uses;
    if (unknown_) return uses;
    for (auto& [tensor, use] : uses_) uses.push_back(std::move(use));
    return uses;
  }

 private:
  void read(const torch::jit::Graph& graph, const Module& self) {
    values_.clear();
    values_[graph.inputs().at(0)] = self._ivalue();
    read(*graph.block());
  }

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
    const auto object = owner->second.toObject();
    const c10::IValue value = object->getAttr(node.s(c10::attr::name));
    if (value.isObject()) values_[node.output()] = value;
    if (!value.isTensor() || !value.toTensor().defined()) return;
    WeightUse& use = uses_[value.toTensor().unsafeGetTensorImpl()];
    use.tensor = value.toTensor();
    WeightPlace& place = place_of(use, object, node.s(c10::attr::name));
    for (const torch::jit::Use& by : node.output()->uses()) {
      if (is_weight_of_linear(by)) {
        use.by_linear = true;
        use.with_bias = use.with_bias && has_bias(by.user->input(2), use.tensor);
      } else {
        place.only_linear = false;
        use.otherwise = use.otherwise || !is_weight_of_embedding(by);
      }
    }
  }

  static WeightPlace& place_of(WeightUse& use, const c10::intrusive_ptr<c10::ivalue::Object>& owner, const std::string& name) {
    for (WeightPlace& place : use.places) {
      if (place.owner == owner && place.name == name) return place;
    }
    return use.places.emplace_back(WeightPlace{owner, name});
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

}  // namespace

std::vector<WeightUse> weight_uses(const Module& module) { return WeightUses(module).take(); }
std::vector<WeightUse> weight_uses(const Module& module, const char* method) { return WeightUses(module, method).take(); }

}  // namespace interrogator
