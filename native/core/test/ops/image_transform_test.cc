#include "ops/image_transform.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "support/python.h"

namespace interrogator::ops {
namespace {

ImagePreprocess preprocess(std::int64_t side, const std::string& mode) {
  return {side, side, {0.5F, 0.5F, 0.5F}, {0.5F, 0.5F, 0.5F}, "bicubic", mode, 0};
}

ImageView view(const std::string& rgb, std::int64_t width, std::int64_t height) {
  return {reinterpret_cast<const std::uint8_t*>(rgb.data()), width, height};
}

TEST(ImageTransform, EqualsPillowTorchvisionAndOpenClipToTheBit) {
  constexpr int kCases = 150;
  const test::TemporaryFolder folder;
  ASSERT_EQ(test::run_python("ops/image_transform_cases.py", {folder.path().string(), std::to_string(kCases), "7"}).status, 0);
  for (int index = 0; index < kCases; ++index) {
    const std::string base = (folder / std::to_string(index)).string();
    const std::string fields = test::read_file(base + ".txt");
    std::istringstream stream(fields);
    std::int64_t width = 0, height = 0;
    int fill = 0;
    ImagePreprocess how;
    stream >> width >> height >> how.height >> how.width >> how.interpolation >> how.resize_mode >> fill;
    how.fill = static_cast<std::uint8_t>(fill);
    for (float& value : how.mean) stream >> value;
    for (float& value : how.std) stream >> value;
    ASSERT_TRUE(stream) << fields;

    const std::string rgb = test::read_file(base + ".rgb");
    const ImageView image = view(rgb, width, height);
    const std::vector<std::uint8_t> window = resize_window(image, plan_resize(width, height, how), how.width, how.height);
    EXPECT_EQ(std::string(window.begin(), window.end()) == test::read_file(base + ".u8"), true) << "8-bit window of " << fields;

    const at::Tensor pixels = image_transform(image, how);
    const std::string expected = test::read_file(base + ".f32");
    ASSERT_EQ(pixels.nbytes(), expected.size()) << fields;
    EXPECT_EQ(std::memcmp(pixels.const_data_ptr(), expected.data(), expected.size()), 0) << "model input of " << fields;
  }
}

TEST(ImageTransform, TakesAnImageAMillionPixelsLongInBoundedMemory) {
  const std::string rgb(3'000'000, '\x7F');
  for (const char* const mode : {"shortest", "longest", "squash"}) {
    EXPECT_EQ(image_transform(view(rgb, 1'000'000, 1), preprocess(224, mode)).numel(), 3 * 224 * 224);
    EXPECT_EQ(image_transform(view(rgb, 1, 1'000'000), preprocess(224, mode)).numel(), 3 * 224 * 224);
  }
}

TEST(ImageTransform, KeepsOnePixelOfASideThatRoundsToNone) {
  const ResizePlan plan = plan_resize(2000, 1, preprocess(224, "longest"));
  EXPECT_EQ(plan.resized_width, 224);
  EXPECT_EQ(plan.resized_height, 1);
}

}  // namespace
}  // namespace interrogator::ops
