#include "support/cuda_place.h"

#include <memory>

#include "device/cuda_library.h"

namespace interrogator::test {

namespace {

/// Null where the emulator was not built (it cannot run under the thread sanitizer).
const CudaKernels* emulated_kernels() {
#ifdef INTERROGATOR_EMULATED_CUDA_LIBRARY
  static const auto kernels = std::make_unique<const CudaKernels>(INTERROGATOR_EMULATED_CUDA_LIBRARY);
  return kernels.get();
#else
  return nullptr;
#endif
}

}  // namespace

Place find_place(Where where) {
  if (where == Where::kLibtorch) return {};
  if (where == Where::kEmulated) {
    const CudaKernels* const kernels = emulated_kernels();
    return {kernels, c10::Device(c10::kCPU), kernels ? "" : "the kernels' emulator was not built"};
  }
  const c10::Device device(c10::kCUDA, 0);
  const CudaSupport cuda = cuda_support();
  if (cuda.devices == 0) return {nullptr, device, "no CUDA device: " + cuda.missing};
  if (where == Where::kLibtorchOnDevice) return {nullptr, device, ""};
  return {cuda_kernels(), device, cuda_kernels_missing()};
}

std::string name_of(const ::testing::TestParamInfo<Where>& info) {
  switch (info.param) {
    case Where::kEmulated: return "Emulated";
    case Where::kLibtorch: return "Libtorch";
    case Where::kDevice: return "Device";
    case Where::kLibtorchOnDevice: return "LibtorchOnDevice";
  }
  return "Unknown";
}

}  // namespace interrogator::test
