#include <ATen/ATen.h>

#include <utility>

#include "measure.h"
#include "ops/linear.h"
#include "ops/packed_weights.h"

namespace interrogator::bench {

namespace {

/// The weights of as many layers as a cache does not hold, in turn: what a whole model's layers are.
using Weights = std::vector<at::Tensor>;

void bench_layers(Suite& suite, std::int64_t depth, std::int64_t outputs, std::size_t count, const std::vector<std::int64_t>& batches) {
  Weights plain, packed, rounded, quantized;
  const at::Tensor bias = at::randn({outputs});
  for (const std::int64_t rows : batches) {
    const std::string shape = std::to_string(rows) + " x " + std::to_string(depth) + " to " + std::to_string(outputs);
    if (!suite.wants("linear " + shape) && !suite.wants("linear, not packed " + shape) && !suite.wants("linear, int8 " + shape) &&
        !suite.wants("linear, bfloat16 " + shape) && !suite.wants("libtorch's linear " + shape))
      continue;
    if (plain.empty()) {
      for (std::size_t i = 0; i < count; ++i) {
        plain.push_back(at::randn({outputs, depth}));
        packed.push_back(ops::packing_pays() ? ops::pack_weight(plain[i], true) : plain[i]);
        if (ops::packing_pays()) quantized.push_back(ops::quantize_weight(packed[i]));
        if (ops::has_bfloat16_products()) rounded.push_back(ops::round_weight(packed[i]));
      }
    }
    const at::Tensor x = at::randn({rows, depth});
    const auto weights = static_cast<double>(depth * outputs) * static_cast<double>(count);
    const Work work{.flops = 2 * static_cast<double>(rows) * weights, .bytes = 4 * weights};
    const auto ours = [&](const Weights& layers) {
      for (const at::Tensor& weight : layers) ops::linear(x, weight, bias);
    };
    suite.measure("linear " + shape, "products", work, [&] { ours(packed); });
    if (rows <= ops::kFewRows) suite.measure("linear, not packed " + shape, "products", work, [&] { ours(plain); });
    if (!quantized.empty() && rows == 1) {
      suite.measure("linear, int8 " + shape, "products", {.flops = work.flops, .bytes = weights}, [&] { ours(quantized); });
    }
    if (!rounded.empty()) {
      suite.measure("linear, bfloat16 " + shape, "products", {.flops = work.flops, .bytes = 2 * weights}, [&] { ours(rounded); });
    }
    suite.measure("libtorch's linear " + shape, "products", work, [&] {
      for (const at::Tensor& weight : plain) at::linear(x, weight, bias);
    });
  }
}

}  // namespace

void bench_linear(Suite& suite) {
  if (!suite.device()->torch_device().is_cpu()) return;
  // The layers of ViT-B and BLIP base, for a token, an image of ViT-B-32, one of BLIP; then a decoder's head.
  for (const auto& [depth, outputs] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{768, 768}, {768, 2304}, {768, 3072}, {3072, 768}}) {
    bench_layers(suite, depth, outputs, 24, {1, 2, 4, 8, 16, 50, 200, 577});
  }
  bench_layers(suite, 768, 30524, 1, {1, 2, 3, 4, 8});
}

}  // namespace interrogator::bench
