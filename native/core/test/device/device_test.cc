// Names, options, errors and threads of devices; the queue's own behaviour is in job_queue_test.cc.
#include "interrogator/device.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "device/cuda_library.h"
#include "interrogator/error.h"
#include "support/calls.h"

namespace interrogator {
namespace {

Error error_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(ErrorCode::kRuntime, "");
}

TEST(Device, RefusesNamesItDoesNotKnowAndSaysWhatToUse) {
  for (const char* const name :
       {"", "gpu", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:x", "cuda:1x", "cuda0", "cuda:256", "cuda:999999999999"}) {
    const Error error = error_of([&] { Device::open(name); });
    EXPECT_EQ(error.code(), ErrorCode::kDevice) << name;
    EXPECT_NE(std::string(error.what()).find("'cpu'"), std::string::npos) << error.what();
  }
}

TEST(Device, SaysWhyThereIsNoCuda) {
  const CudaSupport cuda = cuda_support();
  if (cuda.devices > 0) GTEST_SKIP() << "there is one";
  const Error error = error_of([] { Device::open("cuda"); });
  EXPECT_EQ(error.code(), ErrorCode::kDevice);
  EXPECT_NE(std::string(error.what()).find(cuda.missing), std::string::npos) << error.what();
  EXPECT_FALSE(cuda.missing.empty());
}

TEST(Device, RefusesACudaDeviceBeyondTheLast) {
  const int count = cuda_support().devices;
  if (count == 0) GTEST_SKIP() << "no CUDA device";
  const Error error = error_of([&] { Device::open("cuda:" + std::to_string(count)); });
  EXPECT_EQ(error.code(), ErrorCode::kDevice);
  EXPECT_NE(std::string(error.what()).find("'cuda:0'"), std::string::npos) << error.what();
}

TEST(Device, RunsWorkInInferenceModeWithItsThreads) {
  const DevicePtr device = Device::open("cpu", {.threads = 1});
  bool inference = false;
  int threads = 0;
  test::on(device, [&] {
    inference = c10::InferenceMode::is_enabled();
    at::ones({1000, 1000}).sum();
    threads = at::get_num_threads();
  });
  EXPECT_TRUE(inference);
  EXPECT_EQ(threads, 1);
  EXPECT_EQ(device->stats().threads, 1);
  EXPECT_EQ(device->stats().name, "cpu");
  EXPECT_EQ(device->stats().completed, 1u);
}

TEST(Device, TwoKeepTheirOwnThreadCounts) {
  const DevicePtr one = Device::open("cpu", {.threads = 1});
  const DevicePtr two = Device::open("cpu", {.threads = 2});
  int first = 0, second = 0;
  test::on(one, [&] { first = at::get_num_threads(); });
  test::on(two, [&] { second = at::get_num_threads(); });
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
}

TEST(Device, TwoComputeAtTheSameTime) {
  const DevicePtr one = Device::open("cpu"), two = Device::open("cpu");
  std::promise<void> reached, go;
  const auto signal = go.get_future().share();
  std::thread waiting([&] {
    test::on(one, [&] {
      reached.set_value();
      signal.wait();
    });
  });
  reached.get_future().wait();
  float sum = 0;
  test::on(two, [&] { sum = at::ones({10}).sum().item<float>(); });
  go.set_value();
  waiting.join();
  EXPECT_EQ(sum, 10.0f);
}

TEST(Device, TurnsLibtorchsErrorsIntoOneLine) {
  const DevicePtr device = Device::open("cpu");
  const Error error = error_of([&] { test::on(device, [] { at::ones({2, 3}).matmul(at::ones({4, 5})); }); });
  EXPECT_EQ(error.code(), ErrorCode::kRuntime);
  EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
  EXPECT_EQ(device->stats().failed, 1u);
}

TEST(Device, CallsAFailedAllocationOutOfMemory) {
  const DevicePtr device = Device::open("cpu");
  const Error error = error_of([&] { test::on(device, [] { at::empty({std::int64_t{1} << 50}); }); });
  EXPECT_EQ(error.code(), ErrorCode::kOutOfMemory) << error.what();
}

TEST(Device, RejectsWorkAfterClose) {
  const DevicePtr device = Device::open("cpu");
  device->close();
  device->close();
  EXPECT_EQ(error_of([&] { test::on(device, [] {}); }).code(), ErrorCode::kDisposed);
}

TEST(Device, IsReleasedByTheJobThatHoldsItLast) {
  DevicePtr device = Device::open("cpu");
  const std::weak_ptr<Device> watched = device;
  std::promise<void> go, settled;
  Device& alias = *device;
  auto wait = [&go, device] {
    go.get_future().wait();
    return true;
  };
  alias.submit(sliced_job(std::move(wait)), [&](std::exception_ptr) { settled.set_value(); });
  device.reset();
  EXPECT_FALSE(watched.expired());
  go.set_value();
  settled.get_future().wait();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace interrogator
