#include <ATen/ATen.h>

#include "measure.h"
#include "ops/few_rows_linear.h"

namespace interrogator::bench {

void bench_few_rows_linear(Suite& suite) {
  if (!suite.device()->torch_device().is_cpu()) return;
  // A BLIP decoder's head: more weights than a cache holds, as in a whole decoder.
  constexpr std::int64_t kDepth = 768, kOutputs = 30524;
  const at::Tensor weight = at::randn({kOutputs, kDepth}), bias = at::randn({kOutputs});
  for (const std::int64_t rows : {1, 2, 4, 8}) {
    const at::Tensor x = at::randn({rows, kDepth});
    const Work work{.flops = 2.0 * static_cast<double>(rows * weight.numel()), .bytes = static_cast<double>(weight.nbytes())};
    const std::string shape = std::to_string(rows) + " x 768 to 30524";
    suite.measure("few_rows_linear " + shape, "product", work, [&] { ops::few_rows_linear(x, weight, bias); });
    suite.measure("libtorch's linear " + shape, "product", work, [&] { at::linear(x, weight, bias); });
  }
}

}  // namespace interrogator::bench
