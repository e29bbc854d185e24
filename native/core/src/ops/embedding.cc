#include "ops/embedding.h"

#include <ATen/ATen.h>

#include <vector>

namespace interrogator::ops {

at::Tensor embedding(const at::Tensor& weight, const at::Tensor& ids) {
  if (weight.dim() != 3) return at::embedding(weight, ids);
  const std::int64_t depth = weight.size(1), width = weight.size(2), outputs = weight.size(0) * width;
  const at::Tensor wanted = ids.to(at::kLong).contiguous();
  std::vector<std::int64_t> sizes = ids.sizes().vec();
  sizes.push_back(depth);
  at::Tensor result = at::empty(sizes, weight.options());
  const std::int64_t* const id = wanted.const_data_ptr<std::int64_t>();
  const float* const values = weight.const_data_ptr<float>();
  float* const results = result.data_ptr<float>();
  for (std::int64_t i = 0; i < wanted.numel(); ++i) {
    TORCH_CHECK_INDEX(id[i] >= 0 && id[i] < outputs, "id ", id[i], " is not in the embedding");
    const float* const from = values + id[i] / width * depth * width + id[i] % width;
    for (std::int64_t k = 0; k < depth; ++k) results[i * depth + k] = from[k * width];
  }
  return result;
}

}  // namespace interrogator::ops
