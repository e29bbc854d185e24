#include "device/transfer.h"

#include <ATen/ops/empty.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace interrogator {

namespace {

// By way of libtorch's registry of devices: its CUDA library is opened at run time and not linked.
c10::impl::VirtualGuardImpl streams_of(c10::Device device) { return c10::impl::VirtualGuardImpl(device.type()); }

}  // namespace

void use_own_stream(c10::Device device) {
  if (!device.is_cuda()) return;
  const auto streams = streams_of(device);
  streams.exchangeStream(streams.getStreamFromGlobalPool(device));
}

DeviceStream current_stream(c10::Device device) {
  if (!device.is_cuda()) return {};
  const auto streams = streams_of(device);
  return {device.index(), streams.getStreamNativeHandle(streams.getStream(device))};
}

void finish_on(c10::Device device) {
  if (device.is_cpu()) return;
  const auto streams = streams_of(device);
  streams.synchronizeStream(streams.getStream(device));
}

at::Tensor staging(at::IntArrayRef sizes, at::ScalarType type, c10::Device device) {
  return at::empty(sizes, at::TensorOptions().dtype(type).pinned_memory(device.is_cuda()));
}

at::Tensor upload(const at::Tensor& host, c10::Device device) {
  if (device == host.device()) return host;
  const at::Tensor staged = staging(host.sizes(), host.scalar_type(), device);
  staged.copy_(host);
  return upload_staged(staged, device);
}

at::Tensor upload_staged(const at::Tensor& staged, c10::Device device) {
  // libtorch's allocator of pinned memory hands a block out again only when the copies from it have passed.
  return staged.to(device, staged.scalar_type(), /*non_blocking=*/true);
}

std::vector<at::Tensor> download(const std::vector<at::Tensor>& tensors) {
  const c10::Device device = tensors.front().device();
  if (device.is_cpu()) return tensors;
  std::vector<at::Tensor> host;
  for (const at::Tensor& tensor : tensors) {
    host.push_back(staging(tensor.sizes(), tensor.scalar_type(), device));
    host.back().copy_(tensor, /*non_blocking=*/true);
  }
  finish_on(device);
  return host;
}

}  // namespace interrogator
