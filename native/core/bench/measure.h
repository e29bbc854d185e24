// Timing for the native benchmarks: medians beside what the machine can do, measured in the same run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "interrogator/device.h"

namespace interrogator::bench {

/// What one call must do at least: the slower of the two sets the limit.
struct Work {
  double flops = 0;  ///< floating-point operations, a multiplication and an addition counted as two
  double bytes = 0;  ///< read and written
};

struct Row {
  std::string name, device, unit;
  double seconds = 0;  ///< median of a call
  double limit = 0;    ///< seconds at the machine's rates
  int samples = 0;
};

struct Options {
  std::string device = "cpu";
  int threads = 0, samples = 9;
  std::string only;           ///< part of a name; empty: all
  std::string clip, caption;  ///< bundle folders for the models' benchmarks; empty: left out
};

/// Rates of the device, measured again and again: a machine with neighbours changes.
class Machine {
 public:
  explicit Machine(DevicePtr device);
  /// Measures both rates once. On the device's thread.
  void sample();
  double gflops() const;     ///< median of libtorch's matrix product: float32 on the CPU, float16 on CUDA
  double gigabytes() const;  ///< median of a copy, bytes read and written, a second
  double limit(const Work& work) const;

 private:
  DevicePtr device_;
  std::vector<double> gflops_, gigabytes_;
};

/// Runs benchmarks one after another and collects their rows.
class Suite {
 public:
  Suite(DevicePtr device, Options options);
  const Options& options() const noexcept { return options_; }
  const DevicePtr& device() const noexcept { return device_; }
  bool wants(const std::string& name) const;
  /// `call` runs on the device's thread; the machine's rates are measured between the samples.
  void measure(const std::string& name, const std::string& unit, const Work& work, const std::function<void()>& call);
  const std::vector<Row>& rows() const noexcept { return rows_; }

 private:
  DevicePtr device_;
  Options options_;
  std::vector<Row> rows_;
};

/// Waits for what was started on the device.
void synchronize(const DevicePtr& device);

// One a file; each leaves out what the options do not want.
void bench_cosine_top_k(Suite& suite);
void bench_linear(Suite& suite);
void bench_tree_attention(Suite& suite);
void bench_image_transform(Suite& suite);
void bench_models(Suite& suite);

}  // namespace interrogator::bench
