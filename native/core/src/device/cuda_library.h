// libtorch's CUDA half, opened only where there is a CUDA driver.
#pragma once

#include <string>

namespace interrogator {

struct CudaSupport {
  int devices = 0;
  std::string missing;  ///< where devices is 0: why, as the end of a sentence
};

/// Opens libtorch_cuda beside the libtorch_cpu in use, so that one binary serves both, and counts
/// devices. Costs little where no CUDA driver is installed: nothing is opened then. Never throws.
CudaSupport cuda_support();

/// Call before anything computes, on whatever device: libtorch remembers for ever which half of it
/// was there when it first looked, so a CUDA device could not be opened after a CPU one.
void keep_cuda_possible();

}  // namespace interrogator
