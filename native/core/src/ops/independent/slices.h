// Operators of libtorch, called for one image at a time.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>

namespace interrogator::ops {

using SliceFunction = std::function<at::Tensor(const at::Tensor&)>;

/// call(x[i:i+1]) for each i, joined along the first dimension. Calls follow each other, each on all threads.
at::Tensor by_slices(const at::Tensor& x, const SliceFunction& call);

/// The same with the calls side by side, each on one thread, so that a call is the same where there is only one.
at::Tensor by_slices_on_threads(const at::Tensor& x, const SliceFunction& call);

/// As at::mean over some dimensions. Each slice of the first dimension that stays is averaged alone.
at::Tensor mean(const at::Tensor& x, at::OptionalIntArrayRef dims, bool keep_dims, std::optional<at::ScalarType> type);

/// As at::adaptive_avg_pool2d of [B, C, H, W], each image alone.
at::Tensor adaptive_avg_pool2d(const at::Tensor& x, at::IntArrayRef size);

/// As at::matmul. Of two batches of matrices each pair is multiplied alone, on one thread.
at::Tensor matmul(const at::Tensor& a, const at::Tensor& b);

}  // namespace interrogator::ops
