// What this build and this machine offer.
#pragma once

#include <string>
#include <vector>

namespace interrogator {

struct RuntimeInfo {
  std::string core_version;               ///< this package's version
  std::string libtorch_version;           ///< e.g. '2.11.0'
  std::vector<std::string> cpu_features;  ///< of avx2 fma f16c avx512f avx512_bf16, those present
  int cuda_devices = 0;
  int physical_cores = 1;
};

RuntimeInfo runtime_info();

}  // namespace interrogator
