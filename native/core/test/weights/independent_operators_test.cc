#include "weights/independent_operators.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include "ops/operators.h"
#include "ops/packed_weights.h"
#include "weights/linear_layers.h"

namespace interrogator {
namespace {

using torch::jit::Module;

Module taken_over(Module module) {
  ops::register_operators();
  module.eval();
  take_over_operators(module);
  take_over_linear_layers(module);
  return module;
}

Module with_forward(const char* source) {
  Module module("Model");
  at::manual_seed(1);
  module.register_parameter("weight", at::randn({64, 64}), false);
  module.register_parameter("kernel", at::randn({4, 4, 3, 3}), false);
  module.define(source);
  return module;
}

constexpr const char* kEveryKind = R"(
def forward(self, x):
  y = torch.conv2d(x, self.kernel, None, [1, 1], [1, 1])
  y = torch.linear(torch.gelu(torch.flatten(y, 2)), self.weight)
  y = torch.mul_(torch.sigmoid_(1.702 * y), y)
  y = torch.scaled_dot_product_attention(y.unsqueeze(1), y.unsqueeze(1), y.unsqueeze(1)).squeeze(1)
  return torch.mean(torch.relu(y), [1])
)";

TEST(IndependentOperators, StandInForLibtorchs) {
  Module plain = with_forward(kEveryKind), taken = taken_over(with_forward(kEveryKind));
  const std::string graph = taken.get_method("forward").graph()->toString();
  for (const char* const name : {"conv2d", "gelu", "linear", "sigmoid_", "scaled_dot_product_attention", "mean"}) {
    EXPECT_EQ(graph.find(std::string("aten::") + name + "("), std::string::npos) << name;
    EXPECT_NE(graph.find(std::string("interrogator::") + name + "("), std::string::npos) << name;
  }
  const at::Tensor images = at::randn({5, 4, 8, 8});
  const at::Tensor together = taken.forward({images}).toTensor();
  EXPECT_TRUE(at::allclose(together, plain.forward({images}).toTensor(), 1e-4, 1e-4));
  if (!ops::packing_pays()) GTEST_SKIP() << "linear layers are libtorch's here";
  EXPECT_TRUE(is_independent(taken, {"forward", "of_no_module"}));
  for (std::int64_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(at::equal(taken.forward({images.narrow(0, i, 1)}).toTensor()[0], together[i])) << i;
  }
}

TEST(IndependentOperators, AreNotThoseThatNobodyVouchesFor) {
  for (const char* const source : {
           "def forward(self, x):\n  return torch.selu(torch.linear(x, self.weight))\n",
           "def forward(self, x):\n  return torch.mm(x, self.weight)\n",
           "def forward(self, x):\n  return torch.linear(x, self.weight * 2)\n",
           "def forward(self, x):\n  return torch.linear(x, self.weight) + self.weight[0]\n",
       }) {
    EXPECT_FALSE(is_independent(taken_over(with_forward(source)), {"forward"})) << source;
  }
  const char* const sound = "def forward(self, x):\n  return torch.linear(x, self.weight)\n";
  EXPECT_EQ(is_independent(taken_over(with_forward(sound)), {"forward"}), ops::packing_pays());
}

TEST(IndependentOperators, LeaveALayersSizeWhatItWas) {
  Module taken = taken_over(with_forward(
      "def forward(self, x):\n  weight = self.weight\n  assert weight.size() == [64, 64]\n  return torch.linear(x, weight)\n"));
  EXPECT_EQ(taken.attr("weight").toTensor().dim(), ops::packing_pays() ? 3 : 2);
  EXPECT_EQ(taken.forward({at::randn({3, 64})}).toTensor().size(1), 64);
  Module apart =
      taken_over(with_forward("def forward(self, x):\n  assert self.weight.size() == [64, 64]\n  return torch.linear(x, self.weight)\n"));
  EXPECT_EQ(apart.attr("weight").toTensor().dim(), 2) << "who asks cannot be told from who asks for any tensor's size";
  EXPECT_EQ(apart.forward({at::randn({3, 64})}).toTensor().size(1), 64);
}

}  // namespace
}  // namespace interrogator
