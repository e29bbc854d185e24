// Where the numbers of a graph's parameters come from.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>

#include "weights/graph.h"

namespace interrogator {

class Weights {
 public:
  virtual ~Weights() = default;

  /// The type that most parameters are stored in.
  virtual at::ScalarType stored_type() const = 0;
  /// A module's tensor, new in memory, on the CPU, of rows one after another. Throws kWeightsInvalid, kAborted.
  virtual at::Tensor read(const ParameterSource& source, at::ScalarType type) const = 0;
  /// A single number that no module reads, such as `logit_scale`; none where there is no such number. Throws kWeightsInvalid.
  virtual std::optional<double> number(const std::string& name) const = 0;
};

}  // namespace interrogator
