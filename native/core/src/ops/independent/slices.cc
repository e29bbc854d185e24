#include "ops/independent/slices.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace interrogator::ops {

namespace {

constexpr std::uintptr_t kAlignment = 64;  // of libtorch's memory

/// Calls side by side, each on one thread. There are two at least: one alone would have the threads of all.
void on_threads(std::int64_t count, const std::function<void(std::int64_t)>& call) {
  at::parallel_for(0, std::max<std::int64_t>(count, 2), 1, [&](std::int64_t begin, std::int64_t end) {
    const c10::InferenceMode inference;  // a thread's own
    for (std::int64_t i = begin; i < std::min(end, count); ++i) call(i);
  });
}

std::vector<bool> are_reduced(const at::Tensor& x, at::IntArrayRef dims) {
  std::vector<bool> reduced(static_cast<std::size_t>(x.dim()), dims.empty());
  for (const std::int64_t dim : dims) reduced[static_cast<std::size_t>(dim < 0 ? dim + x.dim() : dim)] = true;
  return reduced;
}

/// One slice, which begins where a tensor of its own may: matrix products round otherwise from other places.
at::Tensor aligned_slice(const at::Tensor& x, std::int64_t i) {
  const at::Tensor part = x.narrow(0, i, 1);
  const bool aligned = reinterpret_cast<std::uintptr_t>(part.const_data_ptr()) % kAlignment == 0;
  return aligned ? part : part.clone(at::MemoryFormat::Preserve);
}

}  // namespace

at::Tensor by_slices(const at::Tensor& x, const SliceFunction& call) {
  if (x.size(0) == 0) return call(x);
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < x.size(0); ++i) results.push_back(call(aligned_slice(x, i)));
  return results.size() == 1 ? results.front() : at::cat(results);
}

at::Tensor by_slices_on_threads(const at::Tensor& x, const SliceFunction& call) {
  if (x.size(0) == 0) return call(x);
  std::vector<at::Tensor> results(static_cast<std::size_t>(x.size(0)));
  on_threads(x.size(0), [&](std::int64_t i) { results[static_cast<std::size_t>(i)] = call(aligned_slice(x, i)); });
  return results.size() == 1 ? results.front() : at::cat(results);
}

at::Tensor mean(const at::Tensor& x, at::OptionalIntArrayRef dims, bool keep_dims, std::optional<at::ScalarType> type) {
  const auto average = [&](const at::Tensor& part) { return at::mean(part, dims, keep_dims, type); };
  const std::vector<bool> reduced = are_reduced(x, dims.value_or(at::IntArrayRef{}));
  const auto kept = std::find(reduced.begin(), reduced.end(), false);
  if (kept == reduced.end()) return average(x);
  // Of rows side by side each has its own sum already.
  if (x.is_contiguous() && std::find(reduced.begin(), reduced.end(), true) == reduced.end() - 1) return average(x);
  const std::int64_t dim = kept - reduced.begin();
  std::vector<at::Tensor> results;
  for (std::int64_t i = 0; i < x.size(dim); ++i) results.push_back(average(x.narrow(dim, i, 1).contiguous()));
  if (results.empty()) return average(x);
  return at::cat(results, keep_dims ? dim : 0);  // those before it are gone otherwise
}

at::Tensor adaptive_avg_pool2d(const at::Tensor& x, at::IntArrayRef size) {
  const auto pool = [&](const at::Tensor& image) { return at::adaptive_avg_pool2d(image, size); };
  return x.dim() == 4 ? by_slices(x, pool) : pool(x);
}

at::Tensor matmul(const at::Tensor& a, const at::Tensor& b) {
  const std::int64_t dims = a.dim();
  if (dims < 3 || b.dim() != dims || a.sizes().slice(0, dims - 2) != b.sizes().slice(0, dims - 2) || a.numel() == 0 || b.numel() == 0) {
    return at::matmul(a, b);
  }
  const at::Tensor left = a.contiguous().flatten(0, dims - 3), right = b.contiguous().flatten(0, dims - 3);
  std::vector<std::int64_t> sizes = a.sizes().vec();
  sizes.back() = b.size(-1);
  const at::Tensor results = at::empty({left.size(0), left.size(1), right.size(2)}, a.options());
  on_threads(left.size(0), [&](std::int64_t i) { results[i].copy_(at::mm(aligned_slice(left, i)[0], aligned_slice(right, i)[0])); });
  return results.view(sizes);
}

}  // namespace interrogator::ops
