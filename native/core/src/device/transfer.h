// Between host and device: the thread's own stream, pinned host memory, copies that do not wait. On the CPU all of it is nothing.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <vector>

namespace interrogator {

/// Gives the calling thread a stream of its own for everything it queues on `device` from now on.
void use_own_stream(c10::Device device);

/// Where the calling thread queues its work: CUDA's number of the device and a cudaStream_t. 0 and null on the CPU.
struct DeviceStream {
  int device = 0;
  void* stream = nullptr;
};
DeviceStream current_stream(c10::Device device);

/// Waits for what the thread queued on a device of its own pace: a slice's time is to be what it took, and the next job's
/// turn is to come when the device is free. Nothing to wait for on the CPU.
void finish_on(c10::Device device);

/// An uninitialised host tensor to fill and then `upload`: pinned where `device` is a CUDA device.
at::Tensor staging(at::IntArrayRef sizes, at::ScalarType type, c10::Device device);

/// A host tensor on the device. Queued on the thread's stream, not waited for; what it was given may be
/// changed at once. On the CPU the same tensor.
at::Tensor upload(const at::Tensor& host, c10::Device device);
/// The same of a `staging` tensor, without copying it on the host first: it must not be changed any more.
at::Tensor upload_staged(const at::Tensor& staged, c10::Device device);

/// Tensors of one device on the host, waited for once: one or more. On the CPU the same tensors.
std::vector<at::Tensor> download(const std::vector<at::Tensor>& tensors);

}  // namespace interrogator
