// Our CUDA kernels (native/cuda), opened at run time. Without them a CUDA device works through libtorch alone, slower.
#pragma once

#include <ATen/DynamicLibrary.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "device/transfer.h"
#include "interrogator_cuda.h"

namespace interrogator {

/// Throws c10::Error where there is no such function.
template <class Function>
void find(at::DynamicLibrary& library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(library.sym(name));
}

/// Its methods give false for a request that is right but beyond what the kernels take, and throw kOutOfMemory or
/// kRuntime where a launch fails. See interrogator_cuda.h for what requests hold.
class CudaKernels {
 public:
  /// Throws c10::Error where `file` does not load or is of another version.
  explicit CudaKernels(const std::filesystem::path& file);

  bool tree_attention(const interrogator_cuda_tree_attention_request& request, DeviceStream where) const;

  std::int64_t top_k_workspace(const interrogator_cuda_top_k_request& request) const { return top_k_workspace_(&request); }
  bool top_k(const interrogator_cuda_top_k_request& request, void* workspace, std::int64_t bytes, DeviceStream where) const;

  std::int64_t image_workspace(const interrogator_cuda_image_request& request) const { return image_workspace_(&request); }
  bool image(const interrogator_cuda_image_request& request, void* workspace, std::int64_t bytes, DeviceStream where) const;

 private:
  bool succeeded(const char* what, int code) const;

  at::DynamicLibrary library_;
  decltype(interrogator_cuda_error_text)* error_text_ = nullptr;
  decltype(interrogator_cuda_tree_attention)* tree_attention_ = nullptr;
  decltype(interrogator_cuda_top_k_workspace)* top_k_workspace_ = nullptr;
  decltype(interrogator_cuda_top_k)* top_k_ = nullptr;
  decltype(interrogator_cuda_image_workspace)* image_workspace_ = nullptr;
  decltype(interrogator_cuda_image)* image_ = nullptr;
};

interrogator_cuda_type cuda_type(at::ScalarType type);

/// The folder of our CUDA libraries and what the kernels' one is called: INTERROGATOR_CUDA_LIBRARY, else
/// libinterrogator_cuda.so beside the addon or program.
std::filesystem::path cuda_kernels_file();

/// The process's kernels, opened when first asked for. Null where there are none.
const CudaKernels* cuda_kernels();
/// Why there are none, as the end of a sentence; empty where there are some.
const std::string& cuda_kernels_missing();

}  // namespace interrogator
