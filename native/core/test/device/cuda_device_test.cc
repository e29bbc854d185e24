// Whole models on a CUDA device against the same on the CPU. All are skipped where there is none.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <vector>

#include "device/cuda_library.h"
#include "device/transfer.h"
#include "interrogator/caption_model.h"
#include "interrogator/clip_model.h"
#include "interrogator/label_matrix.h"
#include "support/calls.h"
#include "support/model_cases.h"

namespace interrogator {
namespace {

using test::Cases;
using test::on;

class CudaDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    const CudaSupport cuda = cuda_support();
    if (cuda.devices == 0) GTEST_SKIP() << "not run: no CUDA device: " << cuda.missing;
    device_ = Device::open("cuda:0", {.threads = 1});
  }

  /// Smallest cosine of two sets of unit rows, on the host.
  static float worst_cosine(const at::Tensor& left, const at::Tensor& right) {
    return left.cpu().to(at::kFloat).mul(right.cpu().to(at::kFloat)).sum(1).min().item<float>();
  }

  DevicePtr device_;
};

TEST_F(CudaDevice, HasAStreamOfItsOwn) {
  const DevicePtr other = Device::open("cuda:0", {.threads = 1});
  void* const first = on(device_, [&] { return current_stream(device_->torch_device()).stream; });
  void* const second = on(other, [&] { return current_stream(other->torch_device()).stream; });
  EXPECT_NE(first, nullptr);
  EXPECT_NE(second, nullptr);
  EXPECT_NE(first, second);
  EXPECT_EQ(on(device_, [&] { return current_stream(device_->torch_device()).stream; }), first);
}

TEST_F(CudaDevice, WhatGoesUpComesDown) {
  on(device_, [&] {
    at::Tensor numbers = at::arange(100000, at::kLong);
    const at::Tensor there = upload(numbers, device_->torch_device());
    numbers.zero_();  // what was given may be changed at once
    const at::Tensor here = download({there * 2})[0];
    EXPECT_TRUE(here.is_pinned());
    EXPECT_TRUE(at::equal(here, at::arange(0, 200000, 2, at::kLong)));
  });
}

TEST_F(CudaDevice, ClipFeaturesAreNearThoseOfOpenClip) {
  const Cases cases(test::model_cases_folder() / "clip.tensors");
  const auto model = on(device_, [&] { return ClipModel::open(device_, test::model_cases_folder() / "clip"); });
  const at::Tensor images = on(device_, [&] { return test::image_features(model, cases.images()).tensor().cpu(); });
  EXPECT_GT(worst_cosine(images, cases.at("image_features")), 0.999F);

  const TokenLists texts{cases.ids("ids"), cases.ids("offsets")};
  const DevicePtr cpu = Device::open("cpu", {.threads = 1});
  const auto reference = on(cpu, [&] { return ClipModel::open(cpu, test::model_cases_folder() / "clip"); });
  const at::Tensor expected = on(cpu, [&] { return test::text_features(*reference, {}, texts).tensor().clone(); });
  EXPECT_GT(worst_cosine(on(device_, [&] { return test::text_features(*model, {}, texts).tensor().cpu(); }), expected), 0.999F);

  on(device_, [&] { model->offload(); });
  EXPECT_GT(worst_cosine(on(device_, [&] { return test::text_features(*model, {}, texts).tensor().cpu(); }), expected), 0.999F);
}

TEST_F(CudaDevice, CaptionsStayTheSameWhenStepsAreCaptured) {
  const Cases cases(test::model_cases_folder() / "caption.tensors");
  const auto model = on(device_, [&] { return CaptionModel::open(device_, test::model_cases_folder() / "caption"); });
  const auto images = cases.images();
  const auto generate = [&] { return on(device_, [&] { return test::generate(model, images, {12}); }); };
  const auto plain = generate();  // the first use of each step
  for (int round = 0; round < 4; ++round) EXPECT_EQ(generate(), plain) << "round " << round;
  on(device_, [&] { model->offload(); });
  for (int round = 0; round < 3; ++round) EXPECT_EQ(generate(), plain) << "after offload, round " << round;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < images.size(); ++i) equal += plain[i] == cases.ids("caption12_" + std::to_string(i));
  RecordProperty("captions_equal_to_float32", static_cast<int>(equal));
}

TEST_F(CudaDevice, RanksLabelsAsTheCpuDoes) {
  at::manual_seed(3);
  const at::Tensor labels = at::randint(-16, 17, {30000, 64}, at::kFloat) / 8, wanted = at::randint(-16, 17, {5, 64}, at::kFloat) / 8;
  const std::string hash(64, 'a');
  const DevicePtr cpu = Device::open("cpu", {.threads = 1});
  const auto matrix = on(cpu, [&] { return LabelMatrix::from_features(Features(cpu, labels), hash); });
  for (const TopKOptions& options :
       {TopKOptions{.k = 32}, {.k = 500, .chunk_size = 2048}, {.k = 64, .reverse = true, .chunk_size = 2048}}) {
    const TopK expected = on(cpu, [&] { return LabelMatrix::top_k({matrix, matrix}, Features(cpu, wanted), options); });
    const TopK result = on(device_, [&] { return LabelMatrix::top_k({matrix, matrix}, Features(device_, wanted), options); });
    EXPECT_EQ(result.indices, expected.indices);
    EXPECT_EQ(result.similarities, expected.similarities);
  }
}

}  // namespace
}  // namespace interrogator
