#include "weights/linear_layers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>

#include "interrogator/error.h"
#include "ops/packed_weights.h"

namespace interrogator {
namespace {

using torch::jit::Module;

Module layer(const at::Tensor& weight, const c10::IValue& bias) {
  Module made("Layer");
  made.register_parameter("weight", weight, false);
  made.register_attribute("bias", c10::OptionalType::ofTensor(), bias);
  made.define("def forward(self, x):\n  return torch.linear(x, self.weight, self.bias)\n");
  return made;
}

/// Made twice where results are compared: copies of a module share what was compiled for its methods.
Module model_with_every_use() {
  at::manual_seed(1);
  Module module("Model");
  module.register_module("with_bias", layer(at::randn({20, 8}), at::randn({20})));
  module.register_module("without", layer(at::randn({64, 20}), {}));
  module.register_module("uneven", layer(at::randn({5, 64}), {}));
  module.register_module("scalar_bias", layer(at::randn({5, 5}), at::randn({1})));
  module.register_parameter("tied", at::randn({64, 5}), false);
  module.register_parameter("uneven_tied", at::randn({5, 5}), false);
  module.register_parameter("sliced", at::randn({10, 5}), false);
  module.define(R"(
def forward(self, x):
  x = self.uneven.forward(self.without.forward(self.with_bias.forward(x)))
  if x.size(0) > 1:
    x = torch.linear(x, self.tied)[:, :5] + torch.embedding(self.tied, torch.ones([1], dtype=4))
    x = torch.linear(x, self.uneven_tied) + torch.embedding(self.uneven_tied, torch.ones([1], dtype=4))
  return torch.linear(self.scalar_bias.forward(x), self.sliced[:5])
)");
  return module;
}

TEST(LinearLayers, MultiplyBFloat16WhereTheyAreToAndNothingElseReadsTheirWeights) {
  Module plain = model_with_every_use(), rounded = model_with_every_use();
  const auto take_over = [&] { take_over_linear_layers(rounded, {}, Products::kBFloat16); };
  if (!ops::has_bfloat16_products()) {
    EXPECT_THROW(take_over(), Error);
    return;
  }
  take_over();
  for (const at::Tensor& x : {at::randn({1, 8}), at::randn({9, 8})}) {
    const at::Tensor right = plain.forward({x}).toTensor(), result = rounded.forward({x}).toTensor();
    // Two to three digits a layer, of five.
    EXPECT_LT((result - right).norm().item<double>(), 0.03 * right.norm().item<double>());
    EXPECT_GT((result - right).norm().item<double>(), 0);
  }
  EXPECT_EQ(rounded.attr("with_bias").toModule().attr("weight").toTensor().scalar_type(), at::kBFloat16);
  EXPECT_EQ(rounded.attr("without").toModule().attr("weight").toTensor().scalar_type(), at::kBFloat16);
  EXPECT_EQ(rounded.attr("tied").toTensor().scalar_type(), at::kFloat);
}

TEST(LinearLayers, ArePackedWhereNothingElseReadsTheirWeights) {
  Module plain = model_with_every_use(), packed = model_with_every_use();
  take_over_linear_layers(packed);
  for (const at::Tensor& x : {at::randn({1, 8}), at::randn({9, 8})}) {
    EXPECT_TRUE(at::allclose(packed.forward({x}).toTensor(), plain.forward({x}).toTensor(), 1e-4, 1e-3));
  }
  const std::int64_t expected = ops::packing_pays() ? 3 : 2;
  EXPECT_EQ(packed.attr("with_bias").toModule().attr("weight").toTensor().dim(), expected);
  EXPECT_EQ(packed.attr("without").toModule().attr("weight").toTensor().dim(), expected);
  EXPECT_EQ(packed.attr("uneven").toModule().attr("weight").toTensor().dim(), 2);
  EXPECT_EQ(packed.attr("scalar_bias").toModule().attr("weight").toTensor().dim(), 2);
  EXPECT_EQ(packed.attr("tied").toTensor().dim(), expected);
  EXPECT_EQ(packed.attr("uneven_tied").toTensor().dim(), 2);
  EXPECT_EQ(packed.attr("sliced").toTensor().dim(), 2);
}

/// Two layers of one class, and so of one graph: the weight of the second is read elsewhere too.
Module model_of_one_class() {
  at::manual_seed(2);
  const Module first = layer(at::randn({16, 16}), at::randn({16}));
  Module module("Model");
  module.register_module("first", first);
  module.register_module("second", first.deepcopy());
  module.define("def forward(self, x):\n  return self.second.forward(self.first.forward(x)) + self.second.weight.sum()\n");
  return module;
}

TEST(LinearLayers, OfOneGraphMayDiffer) {
  Module plain = model_of_one_class(), packed = model_of_one_class();
  take_over_linear_layers(packed);
  const at::Tensor x = at::randn({30, 16});
  EXPECT_TRUE(at::allclose(packed.forward({x}).toTensor(), plain.forward({x}).toTensor(), 1e-4, 1e-3));
  EXPECT_EQ(packed.attr("first").toModule().attr("weight").toTensor().dim(), ops::packing_pays() ? 3 : 2);
  EXPECT_EQ(packed.attr("second").toModule().attr("weight").toTensor().dim(), 2);
}

/// Plain weights, each number quantized to a 127th of its output's largest.
void quantize_in_place(const at::Tensor& weight) {
  const at::Tensor scale = weight.abs().amax(1, true) / 127;
  weight.copy_((weight / scale).round() * scale);
}

/// A tied embedding in two attributes, as decoders have it.
Module tied_model() {
  at::manual_seed(3);
  Module module("Model");
  const at::Tensor tied = at::randn({64, 16});
  module.register_module("layer", layer(at::randn({16, 16}), at::randn({16})));
  module.register_parameter("words", tied, false);
  module.register_parameter("head", tied, false);
  module.register_module("of_another_method", layer(at::randn({16, 16}), at::randn({16})));
  module.define("def other(self, x):\n  return self.of_another_method.forward(x)\n");
  module.define("def forward(self, ids):\n  return torch.linear(self.layer.forward(torch.embedding(self.words, ids)), self.head)\n");
  return module;
}

TEST(LinearLayers, QuantizedAreACopyThatSharesAllElse) {
  if (!ops::packing_pays()) GTEST_SKIP() << "nothing is packed here";
  const at::Tensor ids = at::randint(0, 64, {7}, at::kLong);
  Module plain = tied_model(), taken = tied_model(), quantized_by_hand = tied_model();
  take_over_linear_layers(taken);
  std::optional<Module> quantized = with_quantized_linear_layers(taken, "forward");
  ASSERT_TRUE(quantized);
  EXPECT_EQ(quantized->attr("layer").toModule().attr("weight").toTensor().scalar_type(), at::kChar);
  for (const char* const tied : {"words", "head"}) {
    EXPECT_TRUE(quantized->attr(tied).toTensor().is_same(taken.attr(tied).toTensor())) << "what is embedded too is not quantized";
  }
  EXPECT_EQ(taken.attr("layer").toModule().attr("weight").toTensor().scalar_type(), at::kFloat);
  EXPECT_EQ(quantized->attr("of_another_method").toModule().attr("weight").toTensor().scalar_type(), at::kFloat);

  quantize_in_place(quantized_by_hand.attr("layer").toModule().attr("weight").toTensor());
  EXPECT_TRUE(at::allclose(taken.forward({ids}).toTensor(), plain.forward({ids}).toTensor(), 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(quantized->forward({ids}).toTensor(), quantized_by_hand.forward({ids}).toTensor(), 1e-4, 1e-4));
  EXPECT_FALSE(at::allclose(quantized->forward({ids}).toTensor(), plain.forward({ids}).toTensor(), 1e-4, 1e-4));
}

TEST(LinearLayers, AreNotQuantizedWhereNothingIsPacked) {
  Module module("Model");
  module.register_module("uneven", layer(at::randn({5, 64}), {}));
  module.define("def forward(self, x):\n  return self.uneven.forward(x)\n");
  take_over_linear_layers(module);
  EXPECT_FALSE(with_quantized_linear_layers(module, "forward"));
}

}  // namespace
}  // namespace interrogator
