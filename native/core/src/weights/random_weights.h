// Weights of nobody's training: what the reference gives to a name without a tag.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "interrogator/cancel.h"
#include "weights/weights.h"

namespace interrogator {

/// Random numbers that are the same for the same seed: each tensor's depend on its name alone. Scales are 1, biases 0, and matrices have
/// the deviation of 1 / sqrt(inputs), so that features stay finite through any depth.
class RandomWeights final : public Weights {
 public:
  /// The graph has to outlive it. `cancel`, or null, stops read().
  RandomWeights(const Graph& graph, std::uint64_t seed, CancelTokenPtr cancel = nullptr);

  at::ScalarType stored_type() const override { return at::kFloat; }
  at::Tensor read(const ParameterSource& source, at::ScalarType type) const override;
  /// None: a model's first scale of logits is in its manifest.
  std::optional<double> number(const std::string&) const override { return std::nullopt; }

 private:
  at::Tensor make(const std::string& name) const;

  const std::map<std::string, Shape>& shapes_;
  const std::uint64_t seed_;
  const CancelTokenPtr cancel_;
};

}  // namespace interrogator
