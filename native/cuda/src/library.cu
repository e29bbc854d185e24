// Version and error texts.
#include "interrogator_cuda.h"
#include "simt.h"

extern "C" int interrogator_cuda_abi_version(void) { return INTERROGATOR_CUDA_ABI_VERSION; }

extern "C" const char* interrogator_cuda_error_text(int error) {
  switch (error) {
    case INTERROGATOR_CUDA_OK: return "no error";
    case INTERROGATOR_CUDA_INVALID: return "the request's sizes do not fit each other";
    case INTERROGATOR_CUDA_UNSUPPORTED: return "the request is beyond what the kernels take";
    case INTERROGATOR_CUDA_WORKSPACE: return "the scratch memory is too small";
    default: break;
  }
  return error < 0 ? interrogator::cuda::device_error_text(error) : "an unknown error";
}
