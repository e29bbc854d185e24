#include "weights/random_weights.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "weights/files/stored_tensor.h"

namespace interrogator {

namespace {

/// FNV-1a, of 64 bits: std::hash may differ from build to build.
std::uint64_t hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 1099511628211U;
  return hash;
}

/// How a library would begin it: the scales of norms and layers are 1, what is added is 0.
std::optional<double> constant_of(const std::string& name, const Shape& shape) {
  if (shape.size() > 1) return std::nullopt;
  if (name.ends_with("bias") || name.ends_with("running_mean")) return 0.0;
  if (name.ends_with("weight") || name.ends_with("running_var") || name.ends_with("gamma")) return 1.0;
  return std::nullopt;
}

/// Of one output's numbers, in a layer whose first side is its outputs.
double deviation(const Shape& shape) {
  if (shape.size() < 2) return 0.02;
  const std::int64_t inputs = count_elements(shape) / std::max<std::int64_t>(shape[0], 1);
  return 1.0 / std::sqrt(static_cast<double>(std::max<std::int64_t>(inputs, 1)));
}

}  // namespace

RandomWeights::RandomWeights(const Graph& graph, std::uint64_t seed, CancelTokenPtr cancel)
    : shapes_(graph.tensors()), seed_(seed), cancel_(std::move(cancel)) {}

at::Tensor RandomWeights::read(const ParameterSource& source, at::ScalarType type) const {
  if (cancel_) cancel_->check();
  at::Tensor tensor = make(source.from);
  if (source.rows) tensor = tensor.narrow(0, source.rows->first, source.rows->second - source.rows->first);
  if (source.transpose) tensor = tensor.t();
  // A copy where it is a part: the rest must not stay in memory with it.
  return (source.rows ? tensor.clone(at::MemoryFormat::Contiguous) : tensor.contiguous()).view(source.shape).to(type);
}

at::Tensor RandomWeights::make(const std::string& name) const {
  const Shape& shape = shapes_.at(name);
  if (const auto constant = constant_of(name, shape)) return at::full(shape, *constant, at::kFloat);
  auto generator = at::detail::createCPUGenerator(seed_ ^ hash_of(name));
  return at::empty(shape, at::kFloat).normal_(0, deviation(shape), generator);
}

}  // namespace interrogator
