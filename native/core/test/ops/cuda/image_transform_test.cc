#include "ops/cuda/image_transform.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "interrogator/error.h"
#include "ops/image_transform.h"
#include "support/cuda_place.h"

namespace interrogator::ops {
namespace {

struct Image {
  std::vector<std::uint8_t> pixels;
  std::int64_t width, height;

  Image(std::int64_t width, std::int64_t height, unsigned seed)
      : pixels(static_cast<std::size_t>(width * height * 3)), width(width), height(height) {
    std::mt19937 random(seed);
    for (std::uint8_t& value : pixels) value = static_cast<std::uint8_t>(random() % 3 == 0 ? random() % 2 * 255 : random());
  }

  ImageView view() const { return {pixels.data(), width, height}; }
};

class ImageTransformCuda : public test::CudaPlaceTest {
 protected:
  void expect_equal(const Image& image, const ImagePreprocess& how) {
    const at::Tensor expected = image_transform(image.view(), how);
    for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
      const at::Tensor result = image_transform_on(image.view(), how, place_.device, type, place_.kernels);
      EXPECT_EQ(result.device(), place_.device);
      ASSERT_EQ(result.scalar_type(), type);
      ASSERT_TRUE(at::equal(result.cpu(), expected.to(type)))
          << image.width << " × " << image.height << " to " << how.width << " × " << how.height << ", " << how.resize_mode;
    }
  }
};

TEST_P(ImageTransformCuda, EqualsTheOperatorOfTheCpuToTheBit) {
  std::mt19937 random(1);
  const char* const modes[] = {"shortest", "longest", "squash"};
  for (unsigned round = 0; round < 40; ++round) {
    ImagePreprocess how{1 + static_cast<std::int64_t>(random() % 40), 1 + static_cast<std::int64_t>(random() % 40), {}, {}, "", "", 0};
    if (round % 2) how.width = how.height;
    how.mean = {0.48F, 0.1F, 0.9F}, how.std = {0.27F, 1.0F, 0.3F};
    how.interpolation = random() % 2 ? "bicubic" : "bilinear";
    how.resize_mode = modes[round % 3];
    how.fill = static_cast<std::uint8_t>(random());
    expect_equal(Image(1 + random() % 90, 1 + random() % 90, round), how);
    if (HasFatalFailure()) return;
  }
}

TEST_P(ImageTransformCuda, TakesVeryLongImages) {
  for (const char* const mode : {"shortest", "longest", "squash"}) {
    const ImagePreprocess how{16, 16, {0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}, "bicubic", mode, 127};
    for (const auto& [width, height] : {std::pair{1, 1}, {2000, 1}, {1, 2000}, {1500, 3}, {3, 1500}, {16, 16}, {17, 16}}) {
      expect_equal(Image(width, height, 3), how);
      if (HasFatalFailure()) return;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Places, ImageTransformCuda, test::everywhere(), test::name_of);

}  // namespace
}  // namespace interrogator::ops
