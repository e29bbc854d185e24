#include <ATen/ATen.h>

#include <optional>
#include <utility>

#include "measure.h"
#include "ops/linear.h"
#include "ops/packed_weights.h"

namespace interrogator::bench {

namespace {

/// As many layers as a cache does not hold, in turn: what a whole model's layers are.
class Layers {
 public:
  Layers(std::int64_t depth, std::int64_t outputs, std::size_t count) : bias_(at::randn({outputs})) {
    for (std::size_t i = 0; i < count; ++i) weights_.push_back(at::randn({outputs, depth}));
  }
  void pack() {
    for (at::Tensor& weight : weights_) weight = ops::pack_weight(weight, true);
  }
  void quantize() {
    for (at::Tensor& weight : weights_) weight = ops::quantize_weight(weight);
  }
  template <class Linear>
  void each(const Linear& linear) const {
    for (const at::Tensor& weight : weights_) linear(weight, bias_);
  }

 private:
  std::vector<at::Tensor> weights_;
  at::Tensor bias_;
};

void bench_layers(Suite& suite, std::int64_t depth, std::int64_t outputs, std::size_t count, const std::vector<std::int64_t>& batches) {
  std::optional<Layers> plain, packed, quantized;
  for (const std::int64_t rows : batches) {
    const std::string shape = std::to_string(rows) + " x " + std::to_string(depth) + " to " + std::to_string(outputs);
    if (!suite.wants("linear " + shape) && !suite.wants("linear, not packed " + shape) && !suite.wants("linear, int8 " + shape) &&
        !suite.wants("libtorch's linear " + shape))
      continue;
    if (!plain) {
      plain.emplace(depth, outputs, count);
      packed.emplace(depth, outputs, count);
      if (ops::packing_pays()) {
        packed->pack();
        quantized.emplace(*packed);
        quantized->quantize();
      }
    }
    const at::Tensor x = at::randn({rows, depth});
    const auto weights = static_cast<double>(depth * outputs) * static_cast<double>(count);
    const Work work{.flops = 2 * static_cast<double>(rows) * weights, .bytes = 4 * weights};
    const auto ours = [&x](const at::Tensor& weight, const at::Tensor& bias) { ops::linear(x, weight, bias); };
    const auto theirs = [&x](const at::Tensor& weight, const at::Tensor& bias) { at::linear(x, weight, bias); };
    suite.measure("linear " + shape, "products", work, [&] { packed->each(ours); });
    if (rows <= ops::kFewRows) suite.measure("linear, not packed " + shape, "products", work, [&] { plain->each(ours); });
    if (quantized && rows == 1) {
      suite.measure("linear, int8 " + shape, "products", {.flops = work.flops, .bytes = weights}, [&] { quantized->each(ours); });
    }
    suite.measure("libtorch's linear " + shape, "products", work, [&] { plain->each(theirs); });
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
