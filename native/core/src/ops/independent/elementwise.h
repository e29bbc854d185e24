// Functions of each number, the same for it wherever it lies.
#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>

namespace interrogator::ops {

/// As libtorch's of the same names. libtorch computes what fills no vector at the end of a thread's part one by one, which rounds
/// otherwise, so that a number's place told in its last bit; here all are computed in vectors.
at::Tensor gelu(const at::Tensor& x, std::string_view approximate);
at::Tensor sigmoid(const at::Tensor& x);
at::Tensor& sigmoid_(at::Tensor& x);
at::Tensor silu(const at::Tensor& x);
at::Tensor& silu_(at::Tensor& x);
at::Tensor tanh(const at::Tensor& x);

}  // namespace interrogator::ops
