// interrogator_core_bench [--device cpu|cuda:N] [--threads N] [--samples N] [--only PART] [--clip BUNDLE] [--caption BUNDLE] [--json FILE]
// Each operator, and with bundles each model, beside what the machine's own matrix product or copy would need.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>

#include "device/cuda_kernels.h"
#include "interrogator/error.h"
#include "interrogator/runtime.h"
#include "measure.h"

namespace {

using interrogator::bench::Options;
using interrogator::bench::Row;

std::map<std::string, std::string> read_arguments(int count, char** values) {
  std::map<std::string, std::string> given;
  for (int i = 1; i + 1 < count; i += 2) given[values[i]] = values[i + 1];
  for (const auto& [name, value] : given) {
    const bool known = name == "--device" || name == "--threads" || name == "--samples" || name == "--only" || name == "--clip" ||
                       name == "--caption" || name == "--json";
    if (!known || count % 2 == 0) {
      std::fprintf(stderr,
                   "usage: %s [--device D] [--threads N] [--samples N] [--only PART] [--clip BUNDLE] [--caption BUNDLE] [--json FILE]\n",
                   values[0]);
      std::exit(2);
    }
  }
  return given;
}

void write_json(const std::string& path, const std::vector<Row>& rows) {
  std::ofstream file(path);
  file << "[";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    file << (i ? ",\n " : "\n ") << "{\"name\": \"" << row.name << "\", \"device\": \"" << row.device << "\", \"ours_s\": " << row.seconds
         << ", \"peer_s\": null, \"ratio\": null, \"limit_s\": ";
    if (row.limit > 0) file << row.limit << ", \"limit_fraction\": " << row.limit / row.seconds;
    else file << "null, \"limit_fraction\": null";
    file << ", \"unit\": \"" << row.unit << "\", \"samples\": " << row.samples << "}";
  }
  file << "\n]\n";
  if (!file) std::fprintf(stderr, "%s could not be written\n", path.c_str());
}

}  // namespace

int main(int count, char** values) {
  auto given = read_arguments(count, values);
  Options options;
  if (given.contains("--device")) options.device = given["--device"];
  if (given.contains("--threads")) options.threads = std::atoi(given["--threads"].c_str());
  if (given.contains("--samples")) options.samples = std::max(1, std::atoi(given["--samples"].c_str()));
  options.only = given["--only"];
  options.clip = given["--clip"];
  options.caption = given["--caption"];
  try {
    const auto device = interrogator::Device::open(options.device, {.threads = options.threads});
    const auto info = interrogator::runtime_info();
    std::printf("libtorch %s, %s, %d threads\n", info.libtorch_version.c_str(), options.device.c_str(), device->stats().threads);
    if (options.device != "cpu") {
      const std::string& missing = interrogator::cuda_kernels_missing();
      std::printf("our CUDA kernels: %s\n", missing.empty() ? "in use" : (missing + "; libtorch's operators are measured instead").c_str());
    }
    interrogator::bench::Suite suite(device, options);
    interrogator::bench::bench_cosine_top_k(suite);
    interrogator::bench::bench_linear(suite);
    interrogator::bench::bench_tree_attention(suite);
    interrogator::bench::bench_image_transform(suite);
    interrogator::bench::bench_models(suite);
    if (given.contains("--json")) write_json(given["--json"], suite.rows());
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
