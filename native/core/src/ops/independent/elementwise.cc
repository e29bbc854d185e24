#include "ops/independent/elementwise.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

namespace interrogator::ops {

namespace {

constexpr std::int64_t kWhole = 64;      // a multiple of what libtorch's loops take at a time
constexpr std::int64_t kPart = 16384;    // what threads take multiples of
constexpr std::int64_t kLeastParts = 2;  // that are worth another thread

/// function(to, from) computes what it gets on the calling thread: it is called inside a parallel region, or with little.
template <class Function>
void compute(const at::Tensor& to, const at::Tensor& from, const Function& function) {
  const std::int64_t count = from.numel(), whole = count / kWhole * kWhole;
  at::parallel_for(0, (whole + kPart - 1) / kPart, kLeastParts, [&](std::int64_t begin, std::int64_t end) {
    const c10::InferenceMode inference;  // a thread's own
    const std::int64_t first = begin * kPart, size = std::min(end * kPart, whole) - first;
    at::Tensor results = to.narrow(0, first, size);
    function(results, from.narrow(0, first, size));
  });
  if (whole == count) return;
  at::Tensor rest = at::zeros({kWhole}, from.options());
  rest.narrow(0, 0, count - whole).copy_(from.narrow(0, whole, count - whole));
  function(rest, rest.clone());
  to.narrow(0, whole, count - whole).copy_(rest.narrow(0, 0, count - whole));
}

/// All numbers of a tensor without gaps, in the order of memory.
at::Tensor in_memory_order(const at::Tensor& x) { return x.as_strided({x.numel()}, {1}); }

template <class Function>
at::Tensor each(const at::Tensor& x, const Function& function) {
  const at::Tensor from = x.is_non_overlapping_and_dense() ? x : x.contiguous();
  const at::Tensor to = at::empty_like(from);
  compute(in_memory_order(to), in_memory_order(from), function);
  return to;
}

template <class Function>
at::Tensor& each_in_place(at::Tensor& x, const Function& function) {
  if (!x.is_non_overlapping_and_dense()) return x.copy_(each(x, function));
  compute(in_memory_order(x), in_memory_order(x), function);
  return x;
}

void sigmoid_into(at::Tensor& to, const at::Tensor& from) { at::sigmoid_out(to, from); }
void silu_into(at::Tensor& to, const at::Tensor& from) { at::silu_out(to, from); }
void tanh_into(at::Tensor& to, const at::Tensor& from) { at::tanh_out(to, from); }

}  // namespace

at::Tensor gelu(const at::Tensor& x, std::string_view approximate) {
  return each(x, [approximate](at::Tensor& to, const at::Tensor& from) { at::gelu_out(to, from, approximate); });
}
at::Tensor sigmoid(const at::Tensor& x) { return each(x, sigmoid_into); }
at::Tensor& sigmoid_(at::Tensor& x) { return each_in_place(x, sigmoid_into); }
at::Tensor silu(const at::Tensor& x) { return each(x, silu_into); }
at::Tensor& silu_(at::Tensor& x) { return each_in_place(x, silu_into); }
at::Tensor tanh(const at::Tensor& x) { return each(x, tanh_into); }

}  // namespace interrogator::ops
