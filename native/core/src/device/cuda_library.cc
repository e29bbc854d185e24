#include "device/cuda_library.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <filesystem>

namespace interrogator {

namespace {

constexpr const char* kLibrary = "libtorch_cuda.so";

std::string open_library() {
  if (!dlopen("libcuda.so.1", RTLD_LAZY)) return "no CUDA driver is installed (libcuda.so.1 does not load)";
  // A data symbol of libtorch_cpu: the address of a function may be a stub in the caller.
  void* const symbol = dlsym(RTLD_DEFAULT, "_ZTIN2at18CUDAHooksInterfaceE");
  Dl_info info{};
  if (!symbol || !dladdr(symbol, &info) || !info.dli_fname) return "the folder of libtorch_cpu was not found";
  const std::filesystem::path path = std::filesystem::path(info.dli_fname).parent_path() / kLibrary;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return "this libtorch is a CPU build (no " + path.string() + ")";
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) return {};
  const char* const reason = dlerror();
  return std::string(kLibrary) + " does not load: " + (reason ? reason : "unknown reason");
}

/// Why it is not open; empty where it is. Opened once a process.
const std::string& library_missing() {
  static const std::string missing = open_library();
  return missing;
}

}  // namespace

void keep_cuda_possible() { library_missing(); }

CudaSupport cuda_support() {
  try {
    if (const std::string& missing = library_missing(); !missing.empty()) return {0, missing};
    const auto& hooks = at::detail::getCUDAHooks();
    if (!hooks.hasCUDART()) return {0, "libtorch was in use before its CUDA half was opened; start a new process"};
    const int count = hooks.getNumGPUs();
    return {count, count > 0 ? "" : "the driver shows no CUDA device"};
  } catch (const std::exception& failure) {
    const std::string text = failure.what();
    return {0, text.substr(0, text.find('\n'))};
  }
}

}  // namespace interrogator
