#include "weights/linear_layers.h"

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "interrogator/error.h"
#include "ops/packed_weights.h"
#include "platform/memory.h"

namespace interrogator {

namespace {

using torch::jit::Block;
using torch::jit::Module;
using torch::jit::Node;
using torch::jit::Value;
using FillWeight = std::function<void(const at::Tensor&)>;

/// libtorch's or ours.
struct Kinds {
  c10::Symbol theirs, ours;
  bool has(const Node& node) const { return node.kind() == theirs || node.kind() == ours; }
};
const Kinds& linear() {
  static const Kinds kinds{c10::aten::linear, c10::Symbol::fromQualString("interrogator::linear")};
  return kinds;
}
const Kinds& embedding() {
  static const Kinds kinds{c10::aten::embedding, c10::Symbol::fromQualString("interrogator::embedding")};
  return kinds;
}

/// What asks for the size of a linear layer's weight.
const Kinds& size() {
  static const Kinds kinds{c10::aten::size, c10::Symbol::fromQualString("interrogator::size")};
  return kinds;
}

bool is_linear_weight(const Value& value) {
  return std::ranges::any_of(value.uses(), [](const torch::jit::Use& use) { return linear().has(*use.user) && use.offset == 1; });
}

void replace_in(Block& block) {
  std::vector<std::pair<Node*, c10::Symbol>> found;
  for (Node* const node : block.nodes()) {
    for (Block* const inner : node->blocks()) replace_in(*inner);
    for (const Kinds& kinds : {linear(), embedding()}) {
      if (node->kind() == kinds.theirs) found.emplace_back(node, kinds.ours);
    }
    if (node->kind() == size().theirs && node->inputs().size() == 1 && is_linear_weight(*node->input())) {
      found.emplace_back(node, size().ours);
    }
  }
  for (const auto& [node, ours] : found) node->replaceWithNewSymbol(ours);
  for (const auto& [node, ours] : found) node->destroy();
}

/// How methods use a tensor. Tied weights are one tensor in several places.
struct WeightUse {
  at::Tensor tensor;
  std::vector<std::pair<c10::intrusive_ptr<c10::ivalue::Object>, std::string>> places;  ///< attributes; some may be there twice
  bool by_linear = false;                                                               ///< it is a linear layer's weight
  bool with_bias = true;      ///< each of these has one, with a number for each of the weight's outputs, and none asks for its size
  bool by_embedding = false;  ///< it is an embedding's weight
  bool otherwise = false;     ///< something else reads it too
};

/// Who reads a module's tensors: what tells whether a weight may be laid out anew. Each attribute is looked up in the module's own
/// objects: several share a method's graph.
class WeightUses {
 public:
  /// A method's graph and the object that it is called of.
  void read(const torch::jit::Graph& graph, const Module& self) {
    values_.clear();
    values_[graph.inputs().at(0)] = self._ivalue();
    read(*graph.block());
  }

  /// Empty where a method reads attributes of an object that is known only when it runs: that object may hold any of the weights.
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
    const auto object = owner->second.toObject();
    const c10::IValue value = object->getAttr(node.s(c10::attr::name));
    if (value.isObject()) values_[node.output()] = value;
    if (!value.isTensor() || !value.toTensor().defined()) return;
    WeightUse& use = uses_[value.toTensor().unsafeGetTensorImpl()];
    use.tensor = value.toTensor();
    use.places.emplace_back(object, node.s(c10::attr::name));
    read_uses(*node.output(), use);
  }

  void read_uses(const Value& value, WeightUse& use) {
    for (const torch::jit::Use& by : value.uses()) {
      if (size().has(*by.user) && by.user->inputs().size() == 1 && is_linear_weight(value)) {
        use.with_bias = false;  // the size is told where no panel is filled up
        continue;
      }
      if (linear().has(*by.user) && by.offset == 1) {
        use.by_linear = true;
        use.with_bias = use.with_bias && has_bias(by.user->input(2), use.tensor);
      } else if (embedding().has(*by.user) && by.offset == 0) {
        use.by_embedding = true;
      } else {
        use.otherwise = true;
      }
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

/// Packed in place. Returns the bytes of what was freed.
std::size_t pack(const WeightUse& use, const FillWeight& fill, Products products) {
  at::Tensor weight = use.tensor;
  const bool fits =
      use.by_linear && !use.otherwise && weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.dim() == 2 && weight.size(1) > 0;
  if (!fits) return 0;
  if (fill) fill(weight);
  at::Tensor packed = ops::pack_weight(weight.detach(), use.with_bias);
  if (!packed.defined()) return 0;
  if (products == Products::kBFloat16 && !use.by_embedding) {
    if (at::Tensor rounded = ops::round_weight(packed); rounded.defined()) packed = std::move(rounded);
  }
  const std::size_t freed = weight.nbytes();
  weight.set_data(packed);
  return freed;
}

// Kept for tensors that never come, what is freed would make the process take the weights twice.
constexpr std::size_t kFreedAtOnce = 64 << 20;

void pack_all(std::vector<WeightUse> uses, const FillWeight& fill, Products products) {
  std::size_t freed = 0;
  for (WeightUse& use : uses) {
    freed += pack(std::exchange(use, {}), fill, products);
    if (freed < kFreedAtOnce) continue;
    release_freed_memory();
    freed = 0;
  }
  release_freed_memory();
}

}  // namespace

void take_over_linear_layers(const Module& module, const FillWeight& fill, Products products) {
  if (products == Products::kBFloat16 && !ops::has_bfloat16_products()) {
    throw Error(ErrorCode::kDevice, "this processor has no products of bfloat16 (AVX512_BF16); leave imagePrecision at 'float32'");
  }
  WeightUses uses;
  for (const Module& part : module.modules()) {
    for (const torch::jit::Method& method : part.get_methods()) {
      uses.read(*method.graph(), part);
      replace_in(*method.graph()->block());
    }
  }
  if (ops::packing_pays()) pack_all(uses.take(), fill, products);
}

std::optional<Module> with_quantized_linear_layers(const Module& module, const char* method) {
  Module copy = module.clone(/*inplace=*/true);
  const auto graph = copy.get_method(method).graph()->copy();
  torch::jit::Inline(*graph);
  WeightUses uses;
  uses.read(*graph, copy);
  bool any = false;
  for (const WeightUse& use : uses.take()) {
    const bool packed = use.tensor.is_cpu() && use.tensor.scalar_type() == at::kFloat && use.tensor.dim() == 3;
    if (!packed || !use.by_linear || use.by_embedding || use.otherwise) continue;
    const at::Tensor quantized = ops::quantize_weight(use.tensor.detach());
    for (const auto& [owner, name] : use.places) owner->setAttr(name, quantized);
    any = true;
  }
  if (!any) return std::nullopt;
  return copy;
}

}  // namespace interrogator
