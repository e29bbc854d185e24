#include "measure.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "support/calls.h"

namespace interrogator::bench {

namespace {

double seconds_of(const std::function<void()>& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void synchronize(const DevicePtr& device) {
  if (device->torch_device().is_cpu()) return;
  // Reading a number back waits for all that was queued before.
  at::zeros({1}, at::TensorOptions(device->torch_device())).cpu();
}

Machine::Machine(DevicePtr device) : device_(std::move(device)) {}

void Machine::sample() {
  const bool cpu = device_->torch_device().is_cpu();
  const std::int64_t size = cpu ? 1536 : 8192;
  const std::int64_t numbers = cpu ? 32 << 20 : 256 << 20;
  const auto floats = at::TensorOptions(device_->torch_device()).dtype(cpu ? at::kFloat : at::kHalf);
  const at::Tensor a = at::full({size, size}, 0.5, floats), b = at::full({size, size}, 0.25, floats);
  // Written before it is read: pages that were never written are one page of zeros.
  const at::Tensor from = at::ones({numbers}, floats.dtype(at::kFloat)), copy = at::ones_like(from);
  at::Tensor product = at::empty({size, size}, floats);
  at::mm_out(product, a, b);
  copy.copy_(from);
  synchronize(device_);
  const double multiplied = seconds_of([&] { at::mm_out(product, a, b), synchronize(device_); });
  const double copied = seconds_of([&] { copy.copy_(from), synchronize(device_); });
  gflops_.push_back(2e-9 * static_cast<double>(size * size * size) / multiplied);
  gigabytes_.push_back(2e-9 * static_cast<double>(from.nbytes()) / copied);
}

double Machine::gflops() const { return median(gflops_); }
double Machine::gigabytes() const { return median(gigabytes_); }
double Machine::limit(const Work& work) const { return std::max(work.flops / (gflops() * 1e9), work.bytes / (gigabytes() * 1e9)); }

Suite::Suite(DevicePtr device, Options options) : device_(std::move(device)), options_(std::move(options)) {}

bool Suite::wants(const std::string& name) const { return name.find(options_.only) != std::string::npos; }

void Suite::measure(const std::string& name, const std::string& unit, const Work& work, const std::function<void()>& call) {
  if (!wants(name)) return;
  Machine machine(device_);
  std::vector<double> samples;
  test::on(device_, [&] {
    call();
    synchronize(device_);
    for (int i = 0; i < options_.samples; ++i) {
      machine.sample();
      samples.push_back(seconds_of([&] { call(), synchronize(device_); }));
    }
  });
  const Row row{name, options_.device, unit, median(samples), machine.limit(work), options_.samples};
  rows_.push_back(row);
  std::printf("%-38s %11.3f ms", name.c_str(), row.seconds * 1e3);
  if (row.limit > 0) std::printf("  limit %10.3f ms  %5.1f %%", row.limit * 1e3, 100 * row.limit / row.seconds);
  std::printf("   (%.0f GFLOP/s, %.1f GB/s)\n", machine.gflops(), machine.gigabytes());
  std::fflush(stdout);
}

}  // namespace interrogator::bench
