// Where a test of the CUDA operators runs: the kernels emulated on the CPU, libtorch's operators in their place, and both
// once more on a CUDA device where there is one.
#pragma once

#include <ATen/Parallel.h>
#include <c10/core/Device.h>
#include <gtest/gtest.h>

#include <string>

#include "device/cuda_kernels.h"

namespace interrogator::test {

enum class Where { kEmulated, kLibtorch, kDevice, kLibtorchOnDevice };

struct Place {
  const CudaKernels* kernels = nullptr;
  c10::Device device{c10::kCPU};
  std::string missing;  ///< why it is not there; empty where it is
};

Place find_place(Where where);

/// A suite that runs once a place; its tests are skipped, with the reason, where that is not there.
class CudaPlaceTest : public ::testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    // The references are many small tensors: a second thread costs more than it computes.
    at::set_num_threads(1);
    place_ = find_place(GetParam());
    if (!place_.missing.empty()) GTEST_SKIP() << "not run: " << place_.missing;
  }

  void TearDown() override { at::set_num_threads(threads_); }

  Place place_;

 private:
  const int threads_ = at::get_num_threads();
};

std::string name_of(const ::testing::TestParamInfo<Where>& info);

/// All places, for INSTANTIATE_TEST_SUITE_P.
inline auto everywhere() { return ::testing::Values(Where::kEmulated, Where::kLibtorch, Where::kDevice, Where::kLibtorchOnDevice); }

}  // namespace interrogator::test
