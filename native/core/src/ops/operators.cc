#include "ops/operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <optional>
#include <string>

#include "ops/cuda/tree_attention.h"
#include "ops/embedding.h"
#include "ops/independent/attention.h"
#include "ops/independent/convolution.h"
#include "ops/independent/elementwise.h"
#include "ops/independent/slices.h"
#include "ops/linear.h"
#include "ops/packed_weights.h"
#include "ops/tree_attention.h"

namespace interrogator::ops {

namespace {

at::Tensor tree_attention_here(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& prefix_k,
                               const at::Tensor& prefix_v, const at::Tensor& ancestors, double scale) {
  return tree_attention(q, k, v, prefix_k, prefix_v, ancestors, scale);
}

at::Tensor linear_here(const at::Tensor& x, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  return ops::linear(x, weight, bias);
}

at::Tensor embedding_here(const at::Tensor& weight, const at::Tensor& ids, std::int64_t, bool, bool) { return ops::embedding(weight, ids); }

at::Tensor attention_here(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const std::optional<at::Tensor>& mask, double,
                          bool is_causal, std::optional<double> scale, bool) {
  return ops::attention(q, k, v, mask, is_causal, scale);
}

/// Those of ops/independent, with the schemas of libtorch's own, which they stand in for in graphs.
void register_independent(torch::Library& library) {
  const auto add = [&](const char* name, const char* arguments, auto function) {
    library.def((std::string(name) + arguments).c_str());
    library.impl(name, torch::dispatch(c10::DispatchKey::CPU, function));
  };
  add("scaled_dot_product_attention",
      "(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0., bool is_causal=False, *, float? scale=None, "
      "bool enable_gqa=False) -> Tensor",
      TORCH_FN(attention_here));
  add("conv2d",
      "(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
      TORCH_FN(ops::conv2d));
  add("mean.dim", "(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", TORCH_FN(ops::mean));
  add("adaptive_avg_pool2d", "(Tensor self, int[2] output_size) -> Tensor", TORCH_FN(ops::adaptive_avg_pool2d));
  add("matmul", "(Tensor self, Tensor other) -> Tensor", TORCH_FN(ops::matmul));
  add("gelu", "(Tensor self, *, str approximate='none') -> Tensor", TORCH_FN(ops::gelu));
  add("sigmoid", "(Tensor self) -> Tensor", TORCH_FN(ops::sigmoid));
  add("sigmoid_", "(Tensor(a!) self) -> Tensor(a!)", TORCH_FN(ops::sigmoid_));
  add("silu", "(Tensor self) -> Tensor", TORCH_FN(ops::silu));
  add("silu_", "(Tensor(a!) self) -> Tensor(a!)", TORCH_FN(ops::silu_));
  add("tanh", "(Tensor self) -> Tensor", TORCH_FN(ops::tanh));
}

}  // namespace

void register_operators() {
  // Not the TORCH_LIBRARY macro: the linker would drop its static object with this file, and a second
  // copy of the core in the process would abort on the second definition.
  [[maybe_unused]] static const bool registered = [] {
    if (c10::Dispatcher::singleton().findSchema({"interrogator::tree_attention", ""})) return true;
    // Never destroyed: at exit a device's thread may still be inside the operator.
    auto* const library = new torch::Library(torch::Library::DEF, "interrogator", std::nullopt, __FILE__, __LINE__);
    library->def("tree_attention(Tensor q, Tensor k, Tensor v, Tensor prefix_k, Tensor prefix_v, Tensor ancestors, float scale) -> Tensor");
    library->impl("tree_attention", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(tree_attention_here)));
    library->impl("tree_attention", torch::dispatch(c10::DispatchKey::CUDA, TORCH_FN(tree_attention_cuda)));
    library->def("size(Tensor weight) -> int[]");
    library->impl("size", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(plain_size)));
    library->def("linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor");
    library->impl("linear", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(linear_here)));
    // What at::embedding takes besides is for training.
    library->def(
        "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor");
    library->impl("embedding", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(embedding_here)));
    register_independent(*library);
    return true;
  }();
}

}  // namespace interrogator::ops
