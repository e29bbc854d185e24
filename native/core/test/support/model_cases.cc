#include "support/model_cases.h"

#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/pickle.h>
#include <unistd.h>

#include <fstream>

#include "support/python.h"

namespace interrogator::test {

namespace {

namespace fs = std::filesystem;

c10::Dict<std::string, at::Tensor> tensors_of(const fs::path& file) {
  c10::Dict<std::string, at::Tensor> tensors;
  const std::string bytes = read_file(file);
  for (const auto& entry : torch::jit::pickle_load({bytes.begin(), bytes.end()}).toGenericDict()) {
    tensors.insert(entry.key().toStringRef(), entry.value().toTensor().contiguous());
  }
  return tensors;
}

struct MadeCases {
  TemporaryFolder folder;
  MadeCases() { run_python("support/make_model_cases.py", {folder.path().string()}); }
};

}  // namespace

Cases::Cases(const fs::path& file) : tensors_(tensors_of(file)) {}

bool Cases::has(const std::string& name) const { return tensors_.contains(name); }
at::Tensor Cases::at(const std::string& name) const { return tensors_.at(name); }

std::vector<std::int32_t> Cases::ids(const std::string& name) const {
  const at::Tensor values = at(name);
  const auto* const first = values.const_data_ptr<std::int64_t>();
  return {first, first + values.numel()};
}

std::vector<ImageView> Cases::images() const {
  std::vector<ImageView> views;
  for (int index = 0; has("image" + std::to_string(index)); ++index) {
    const at::Tensor image = at("image" + std::to_string(index));
    views.push_back({image.const_data_ptr<std::uint8_t>(), image.size(1), image.size(0)});
  }
  return views;
}

const fs::path& model_cases_folder() {
  static const MadeCases made;
  return made.folder.path();
}

ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kRuntime;
}

double resident_memory() {
  std::ifstream stat("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  stat >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1024 * 1024);
}

}  // namespace interrogator::test
