// A computation in slices, so that a device can serve others between them.
#pragma once

#include <memory>

namespace interrogator {

/// All methods run on the device's thread. Other work of the same models may run between two slices.
template <class Result>
class Sliced {
 public:
  virtual ~Sliced() = default;
  /// Computes the next slice; true once it was the last. Not called again then.
  virtual bool advance() = 0;
  /// The result, once.
  virtual Result take() = 0;
};

template <class Result>
using SlicedPtr = std::unique_ptr<Sliced<Result>>;

}  // namespace interrogator
