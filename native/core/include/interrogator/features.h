// Unit-length feature vectors that stay on their device.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "interrogator/device.h"

namespace at {
class Tensor;
}

namespace interrogator {

/// rows × dim, float32, each row of length 1 (or what the caller gave). Immutable, cheap to copy.
/// All methods run on the device's thread.
class Features {
 public:
  /// values: two-dimensional, of whatever type, on whatever device.
  Features(DevicePtr device, const at::Tensor& values);
  /// From host numbers, rows * dim of them, row-major.
  static Features from_array(DevicePtr device, const std::vector<float>& data, std::int64_t rows, std::int64_t dim);

  std::int64_t rows() const noexcept;
  std::int64_t dim() const noexcept;
  const DevicePtr& device() const noexcept;
  const at::Tensor& tensor() const noexcept;

  /// this.rows × other.rows dot products, row-major. Throws kInvalidArgument where dims differ.
  std::vector<float> similarity(const Features& other) const;
  std::vector<float> to_array() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace interrogator
