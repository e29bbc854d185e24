#include "device/cuda_kernels.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "interrogator/error.h"
#include "support/cuda_place.h"
#include "support/python.h"

namespace interrogator {
namespace {

TEST(CudaKernels, OfThisBuildLoadWithoutADevice) {
  if (!std::getenv("INTERROGATOR_CUDA_LIBRARY")) GTEST_SKIP() << "not run: the kernels were not built (no nvcc)";
  EXPECT_EQ(cuda_kernels_missing(), "");
  ASSERT_NE(cuda_kernels(), nullptr);
  interrogator_cuda_tree_attention_request request{};
  EXPECT_THROW(cuda_kernels()->tree_attention(request, {}), Error);
  request.heads = 1 << 17, request.head_dim = 8, request.rows = 1;
  EXPECT_FALSE(cuda_kernels()->tree_attention(request, {}));
}

TEST(CudaKernels, HoldCodeForTheArchitecturesWeName) {
  const char* const file = std::getenv("INTERROGATOR_CUDA_LIBRARY");
  if (!file) GTEST_SKIP() << "not run: the kernels were not built (no nvcc)";
  const std::string bytes = test::read_file(file);
  for (const char* const target : {"sm_80", "sm_90"}) EXPECT_NE(bytes.find(target), std::string::npos) << target;
}

TEST(CudaKernels, AreRefusedWhereTheFileIsNoneOfThem) {
  const test::TemporaryFolder folder;
  const auto file = folder.path() / "libinterrogator_cuda.so";
  EXPECT_THROW(CudaKernels{file}, c10::Error);
  std::ofstream(file) << "no library";
  EXPECT_THROW(CudaKernels{file}, c10::Error);
}

TEST(CudaKernels, SayWhatIsWrongWithARequest) {
  const test::Place place = test::find_place(test::Where::kEmulated);
  if (!place.missing.empty()) GTEST_SKIP() << "not run: " << place.missing;
  interrogator_cuda_top_k_request request{};
  try {
    place.kernels->top_k(request, nullptr, 0, {});
    FAIL() << "it ran";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kRuntime);
    EXPECT_NE(std::string(error.what()).find("do not fit"), std::string::npos) << error.what();
  }
  const std::vector<std::uint16_t> labels(16);
  const std::vector<float> features(8);
  const interrogator_cuda_label_rows rows{labels.data(), 2};
  request.matrices = &rows;
  request.matrix_count = 1, request.batch = 1, request.dim = 8, request.k = 1;
  request.features = features.data();
  EXPECT_GT(place.kernels->top_k_workspace(request), 0);
  EXPECT_THROW(place.kernels->top_k(request, nullptr, 0, {}), Error);
  request.k = 3;
  EXPECT_EQ(place.kernels->top_k_workspace(request), 0);
}

}  // namespace
}  // namespace interrogator
