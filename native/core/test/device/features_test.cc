#include "interrogator/features.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "interrogator/error.h"
#include "interrogator/runtime.h"

namespace interrogator {
namespace {

TEST(Features, KeepsRowsAndGivesThemBack) {
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const Features features = Features::from_array(Device::open("cpu"), numbers, 2, 3);
  EXPECT_EQ(features.rows(), 2);
  EXPECT_EQ(features.dim(), 3);
  EXPECT_EQ(features.to_array(), numbers);
}

TEST(Features, DoesNotShareTheCallersMemory) {
  std::vector<float> numbers{1, 2};
  const Features features = Features::from_array(Device::open("cpu"), numbers, 1, 2);
  numbers[0] = 9;
  EXPECT_EQ(features.to_array().front(), 1);
}

TEST(Features, GivesSimilaritiesRowByRow) {
  const DevicePtr device = Device::open("cpu");
  const Features a = Features::from_array(device, {1, 0, 0, 2}, 2, 2), b = Features::from_array(device, {3, 4, 5, 6, 7, 8}, 3, 2);
  EXPECT_EQ(a.similarity(b), (std::vector<float>{3, 5, 7, 8, 12, 16}));
  EXPECT_TRUE(a.similarity(Features::from_array(device, {}, 0, 2)).empty());
}

TEST(Features, BecomesContiguousFloat32) {
  const at::Tensor halves = at::arange(6, at::kHalf).view({2, 3}).t();
  EXPECT_EQ(Features(Device::open("cpu"), halves).to_array(), (std::vector<float>{0, 3, 1, 4, 2, 5}));
}

TEST(Features, RefusesToCompareThoseOfOtherModels) {
  const DevicePtr device = Device::open("cpu");
  const Features a = Features::from_array(device, {1, 2}, 1, 2), b = Features::from_array(device, {1, 2, 3}, 1, 3);
  EXPECT_THROW(a.similarity(b), Error);
}

TEST(RuntimeInfo, DescribesThisMachine) {
  const RuntimeInfo info = runtime_info();
  EXPECT_EQ(info.libtorch_version, "2.11.0");
  EXPECT_FALSE(info.core_version.empty());
  EXPECT_GE(info.physical_cores, 1);
}

}  // namespace
}  // namespace interrogator
