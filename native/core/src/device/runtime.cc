#include "interrogator/runtime.h"

#include <torch/version.h>

#include "device/cuda_library.h"
#include "platform/cpu_count.h"

namespace interrogator {

namespace {

std::vector<std::string> cpu_features() {
  std::vector<std::string> present;
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2")) present.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) present.emplace_back("fma");
  if (__builtin_cpu_supports("f16c")) present.emplace_back("f16c");
  if (__builtin_cpu_supports("avx512f")) present.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512bf16")) present.emplace_back("avx512_bf16");
#endif
  return present;
}

/// TORCH_VERSION without what a build appends to it ("2.11.0+cpu").
std::string libtorch_version() {
  const std::string version = TORCH_VERSION;
  return version.substr(0, version.find_first_of("+a-"));
}

}  // namespace

RuntimeInfo runtime_info() {
  return {INTERROGATOR_VERSION, libtorch_version(), cpu_features(), cuda_support().devices, usable_physical_cores()};
}

}  // namespace interrogator
