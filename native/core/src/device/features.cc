#include "interrogator/features.h"

#include <ATen/ATen.h>

#include <string>
#include <utility>

#include "device/transfer.h"
#include "interrogator/error.h"

namespace interrogator {

struct Features::State {
  DevicePtr device;
  at::Tensor values;  ///< float32, contiguous, on the device
};

Features::Features(DevicePtr device, const at::Tensor& values) {
  at::Tensor kept = values.to(device->torch_device(), at::kFloat).contiguous();
  state_ = std::make_shared<const State>(State{std::move(device), std::move(kept)});
}

Features Features::from_array(DevicePtr device, const std::vector<float>& data, std::int64_t rows, std::int64_t dim) {
  return Features(std::move(device), at::tensor(data, at::kFloat).view({rows, dim}));
}

std::int64_t Features::rows() const noexcept { return state_->values.size(0); }
std::int64_t Features::dim() const noexcept { return state_->values.size(1); }
const DevicePtr& Features::device() const noexcept { return state_->device; }
const at::Tensor& Features::tensor() const noexcept { return state_->values; }

std::vector<float> Features::similarity(const Features& other) const {
  if (other.dim() != dim()) {
    throw Error(ErrorCode::kInvalidArgument, "features of " + std::to_string(dim()) + " and " + std::to_string(other.dim()) +
                                                 " dimensions cannot be compared; both must come from one model");
  }
  const at::Tensor theirs = other.tensor().to(state_->values.device());
  return Features(state_->device, at::matmul(state_->values, theirs.t())).to_array();
}

std::vector<float> Features::to_array() const {
  const at::Tensor host = download({state_->values})[0];
  const float* const numbers = host.const_data_ptr<float>();
  return std::vector<float>(numbers, numbers + host.numel());
}

}  // namespace interrogator
