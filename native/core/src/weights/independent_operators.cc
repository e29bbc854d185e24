#include "weights/independent_operators.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/peephole.h>

#include <functional>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "ops/packed_weights.h"

namespace interrogator {

namespace {

using torch::jit::Block;
using torch::jit::Graph;
using torch::jit::Module;
using torch::jit::Node;
using torch::jit::Value;

constexpr int kOfPatches = 2;  // convolutions, at most

void for_each_node(Block& block, const std::function<void(Node&)>& call) {
  for (auto it = block.nodes().begin(); it != block.nodes().end();) {
    Node* const node = *it;
    ++it;  // the call may destroy the node
    for (Block* const inner : node->blocks()) for_each_node(*inner, call);
    call(*node);
  }
}

/// A function of Python's is a graph of its own: its operators would stay libtorch's, and nobody would see which weights they read.
void inline_functions(Graph& graph) {
  for (bool any = true; any;) {
    any = false;
    for_each_node(*graph.block(), [&](Node& node) {
      if (node.kind() != c10::prim::CallFunction) return;
      const auto type = node.input(0)->type()->expect<c10::FunctionType>();
      torch::jit::GraphFunction* const function = torch::jit::tryToGraphFunction(*type->function());
      if (!function) return;
      node.removeInput(0);
      torch::jit::inlineCallTo(&node, function);
      any = true;
    });
  }
}

/// Those that have one of ours, by their overloads.
c10::Symbol ours_for(const Node& node) {
  static const std::set<std::pair<std::string_view, std::string_view>> taken = {{"scaled_dot_product_attention", ""},
                                                                                {"conv2d", ""},
                                                                                {"mean", "dim"},
                                                                                {"adaptive_avg_pool2d", ""},
                                                                                {"matmul", ""},
                                                                                {"gelu", ""},
                                                                                {"sigmoid", ""},
                                                                                {"sigmoid_", ""},
                                                                                {"silu", ""},
                                                                                {"silu_", ""},
                                                                                {"tanh", ""}};
  const c10::FunctionSchema* const schema = node.kind().is_aten() ? node.maybeSchema() : nullptr;
  if (!schema || !taken.contains({node.kind().toUnqualString(), schema->overload_name()})) return c10::Symbol();
  return c10::Symbol::fromQualString(std::string("interrogator::") + node.kind().toUnqualString());
}

/// Of numbers, shapes and lists; of numbers each for itself, exact; of rows each for itself; and what only training runs.
bool gives_each_its_own(const Node& node) {
  static const std::set<std::string_view> known = {
      // shapes, lists, flags
      "Bool", "Int", "Float", "FloatImplicit", "IntImplicit", "ScalarImplicit", "__and__", "__or__", "__contains__", "__getitem__",
      "__is__", "__isnot__", "__not__", "__range_length", "__derive_index", "append", "dim", "eq", "floordiv", "format", "ge", "gt", "le",
      "len", "list", "lt", "ne", "numel", "remainder", "size", "warn", "is_floating_point", "percentFormat", "extend", "values", "items",
      "keys",
      // copies
      "arange", "cat", "chunk", "clone", "constant_pad_nd", "contiguous", "copy_", "detach", "embedding", "empty", "expand", "expand_as",
      "flatten", "full", "full_like", "index", "index_select", "masked_fill", "narrow", "new_empty", "new_zeros", "ones", "ones_like",
      "pad", "permute", "repeat", "repeat_interleave", "reshape", "roll", "select", "slice", "split", "squeeze", "stack", "t", "tensor",
      "to", "transpose", "tril", "triu", "type_as", "unbind", "unflatten", "unsqueeze", "view", "where", "zeros", "zeros_like",
      // exact for each number
      "abs", "add", "add_", "bitwise_not", "clamp", "clamp_", "clamp_max", "clamp_min", "clamp_min_", "div", "div_", "leaky_relu", "mul",
      "mul_", "neg", "relu", "relu6", "relu_", "sqrt", "sub", "sub_",
      // a result of its own for each row or each window
      "all", "amax", "any", "argmax", "avg_pool2d", "batch_norm", "cumsum", "layer_norm", "max", "max_pool2d", "norm", "softmax",
      // of constants and positions
      "_upsample_bicubic2d_aa", "cos", "exp", "log", "pow", "rsqrt", "sin",
      // not run
      "bernoulli_", "dropout"};
  return node.kind().is_prim() || (node.kind().is_aten() && known.contains(node.kind().toUnqualString()));
}

/// The attributes that values of a graph are, through what only tells their type.
class Attributes {
 public:
  Attributes(Graph& graph, const Module& self) {
    values_[graph.inputs().at(0)] = self._ivalue();
    read(*graph.block());
  }

  /// Whether this is a weight that was packed.
  bool is_packed(const Value* value) const {
    const auto found = values_.find(value);
    return found != values_.end() && found->second.isTensor() && found->second.toTensor().dim() == 3;
  }

 private:
  void read(Block& block) {
    for (Node* const node : block.nodes()) {
      const auto owner = node->inputs().empty() ? values_.end() : values_.find(node->input(0));
      if (owner != values_.end()) {
        if (node->kind() == c10::prim::GetAttr && owner->second.isObject()) {
          values_[node->output()] = owner->second.toObject()->getAttr(node->s(c10::attr::name));
        } else if (node->kind() == c10::prim::unchecked_cast) {
          values_[node->output()] = c10::IValue(owner->second);
        }
      }
      for (Block* const inner : node->blocks()) read(*inner);
    }
  }

  std::unordered_map<const Value*, c10::IValue> values_;
};

}  // namespace

void take_over_operators(const Module& module) {
  for (const Module& part : module.modules()) {
    for (const torch::jit::Method& method : part.get_methods()) {
      std::shared_ptr<Graph> graph = method.graph();
      inline_functions(*graph);
      // Away with branches of functions that these arguments never take: they may read weights in their own ways.
      torch::jit::PeepholeOptimize(graph, /*disable_shape_peepholes=*/true);
      torch::jit::ConstantPropagationImmutableTypes(graph);
      for_each_node(*graph->block(), [](Node& node) {
        const c10::Symbol ours = ours_for(node);
        if (ours == c10::Symbol()) return;
        node.replaceWithNewSymbol(ours);
        node.destroy();
      });
    }
  }
}

bool is_independent(const Module& module, const std::vector<std::string>& methods) {
  if (!ops::packing_pays()) return false;  // linear layers are libtorch's
  static const auto linear = c10::Symbol::fromQualString("interrogator::linear");
  for (const std::string& name : methods) {
    const auto method = module.find_method(name);
    if (!method) continue;
    std::shared_ptr<Graph> graph = method->graph()->copy();
    torch::jit::Inline(*graph);
    torch::jit::ConstantPropagation(graph);  // branches that are never taken
    const Attributes attributes(*graph, module);
    bool independent = true;
    for_each_node(*graph->block(), [&](Node& node) {
      const bool ours = std::string_view(node.kind().toQualString()).starts_with("interrogator::");
      const bool known = node.kind() == linear ? attributes.is_packed(node.input(1)) : ours || gives_each_its_own(node);
      independent = independent && known;
    });
    if (!independent) return false;
  }
  return true;
}

bool convolves(const Module& module) {
  static const auto conv2d = c10::Symbol::fromQualString("interrogator::conv2d");
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  int count = 0;
  for_each_node(*graph->block(), [&](const Node& node) { count += node.kind() == conv2d; });
  return count > kOfPatches;
}

}  // namespace interrogator
