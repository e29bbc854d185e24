#include "device/cuda_kernels.h"

#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <cstdlib>

#include "interrogator/error.h"

namespace interrogator {

namespace {

constexpr int kCudaOutOfMemory = -2;  // cudaErrorMemoryAllocation, negated as the library gives it

struct Opened {
  std::unique_ptr<const CudaKernels> kernels;
  std::string missing;
};

Opened open_kernels() {
  const std::filesystem::path file = cuda_kernels_file();
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return {nullptr, "there is no " + file.string()};
  try {
    return {std::make_unique<const CudaKernels>(file), {}};
  } catch (...) {
    return {nullptr, current_error().what()};
  }
}

/// The folder of the addon or program that this code was linked into. Empty where that is not known.
std::filesystem::path own_folder() {
  static const char here = 0;
  Dl_info info{};
  if (!dladdr(&here, &info) || !info.dli_fname) return {};
  std::error_code failed;
  return std::filesystem::absolute(info.dli_fname, failed).parent_path();
}

/// Never destroyed: at exit a device's thread may still be inside a kernel's launch.
const Opened& opened() {
  static const Opened* const kept = new Opened(open_kernels());
  return *kept;
}

}  // namespace

CudaKernels::CudaKernels(const std::filesystem::path& file) : library_(file.c_str(), nullptr, /*leak_handle=*/true) {
  decltype(interrogator_cuda_abi_version)* version = nullptr;
  find(library_, "interrogator_cuda_abi_version", version);
  TORCH_CHECK(version() == INTERROGATOR_CUDA_ABI_VERSION, file.string(), " is of version ", version(), ", version ",
              INTERROGATOR_CUDA_ABI_VERSION, " is needed; build it again");
  find(library_, "interrogator_cuda_error_text", error_text_);
  find(library_, "interrogator_cuda_tree_attention", tree_attention_);
  find(library_, "interrogator_cuda_top_k_workspace", top_k_workspace_);
  find(library_, "interrogator_cuda_top_k", top_k_);
  find(library_, "interrogator_cuda_image_workspace", image_workspace_);
  find(library_, "interrogator_cuda_image", image_);
}

bool CudaKernels::succeeded(const char* what, int code) const {
  if (code == INTERROGATOR_CUDA_OK) return true;
  if (code == INTERROGATOR_CUDA_UNSUPPORTED) return false;
  const ErrorCode kind = code == kCudaOutOfMemory ? ErrorCode::kOutOfMemory : ErrorCode::kRuntime;
  throw Error(kind, std::string("CUDA's ") + what + " failed: " + error_text_(code));
}

bool CudaKernels::tree_attention(const interrogator_cuda_tree_attention_request& request, DeviceStream where) const {
  return succeeded("tree attention", tree_attention_(&request, where.device, where.stream));
}

bool CudaKernels::top_k(const interrogator_cuda_top_k_request& request, void* workspace, std::int64_t bytes, DeviceStream where) const {
  return succeeded("top-k", top_k_(&request, workspace, bytes, where.device, where.stream));
}

bool CudaKernels::image(const interrogator_cuda_image_request& request, void* workspace, std::int64_t bytes, DeviceStream where) const {
  return succeeded("image transform", image_(&request, workspace, bytes, where.device, where.stream));
}

interrogator_cuda_type cuda_type(at::ScalarType type) {
  if (type == at::kHalf) return INTERROGATOR_CUDA_FLOAT16;
  return type == at::kBFloat16 ? INTERROGATOR_CUDA_BFLOAT16 : INTERROGATOR_CUDA_FLOAT32;
}

std::filesystem::path cuda_kernels_file() {
  if (const char* const named = std::getenv("INTERROGATOR_CUDA_LIBRARY"); named && *named) return named;
  return own_folder() / "libinterrogator_cuda.so";
}

const CudaKernels* cuda_kernels() { return opened().kernels.get(); }

const std::string& cuda_kernels_missing() { return opened().missing; }

}  // namespace interrogator
