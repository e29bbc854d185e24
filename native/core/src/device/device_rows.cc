#include "device/device_rows.h"

#include <ATen/ops/from_blob.h>

namespace interrogator {

at::Tensor DeviceRows::on(c10::Device device, const std::uint16_t* data, std::int64_t rows, std::int64_t dim) {
  const std::lock_guard lock(mutex_);
  at::Tensor& copy = copies_[device.index()];
  if (!copy.defined()) {
    // A copy from memory that is not pinned is waited for, so that other queues' streams may read it.
    copy = at::from_blob(const_cast<std::uint16_t*>(data), {rows, dim}, at::kHalf).to(device, /*non_blocking=*/false, /*copy=*/true);
  }
  return copy;
}

}  // namespace interrogator
