// What make_model_cases.py writes: small bundles and what open_clip and transformers answer on their weights.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "interrogator/device.h"
#include "interrogator/error.h"
#include "interrogator/image_view.h"
#include "support/calls.h"

namespace interrogator::test {

/// Tensors by name.
class Cases {
 public:
  explicit Cases(const std::filesystem::path& file);
  bool has(const std::string& name) const;
  at::Tensor at(const std::string& name) const;
  std::vector<std::int32_t> ids(const std::string& name) const;
  /// image0, image1, … as views of tensors that this object keeps.
  std::vector<ImageView> images() const;

 private:
  c10::Dict<std::string, at::Tensor> tensors_;
};

/// The folder of the bundles, made once a process and removed at its end. A failure of the script
/// fails the test that asks.
const std::filesystem::path& model_cases_folder();

/// The code of the Error that `work` throws; fails the test where it throws none.
ErrorCode code_of(const std::function<void()>& work);

/// Of this process, in MiB.
double resident_memory();

}  // namespace interrogator::test
