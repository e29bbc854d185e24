// A computation in slices, so that a device can serve others between them.
#pragma once

#include <memory>

#include "interrogator/cancel.h"

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

/// All slices in a row. The token is read before each.
template <class Result>
Result run_to_end(Sliced<Result>& computation, const CancelToken* token) {
  do {
    if (token) token->check();
  } while (!computation.advance());
  return computation.take();
}

}  // namespace interrogator
