// libtorch's CUDA half, opened only when a CUDA device is asked for.
#pragma once

#include <string>

namespace interrogator {

struct CudaSupport {
  int devices = 0;
  std::string missing;  ///< where devices is 0: why, as the end of a sentence
};

/// Opens libtorch_cuda beside the libtorch_cpu in use, so that one binary serves both, and counts
/// devices. Costs hundreds of megabytes of address space where the library exists. Never throws.
CudaSupport cuda_support();

}  // namespace interrogator
