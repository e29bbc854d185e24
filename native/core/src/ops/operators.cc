#include "ops/operators.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <optional>

#include "ops/cuda/tree_attention.h"
#include "ops/embedding.h"
#include "ops/linear.h"
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
    library->def("linear(Tensor x, Tensor weight, Tensor? bias) -> Tensor");
    library->impl("linear", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(linear_here)));
    // What at::embedding takes besides is for training.
    library->def(
        "embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor");
    library->impl("embedding", torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(embedding_here)));
    return true;
  }();
}

}  // namespace interrogator::ops
