#include "weights/random_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "interrogator/error.h"
#include "ops/operators.h"
#include "support/model_cases.h"
#include "support/python.h"
#include "support/weight_cases.h"
#include "weights/module.h"

namespace interrogator {
namespace {

Graph small_graph() { return Graph(test::read_file(test::weight_cases_folder() / "small.graph")); }

ParameterSource whole(const Graph& graph, const std::string& name) { return {"any", name, std::nullopt, false, graph.tensors().at(name)}; }

TEST(RandomWeights, AreTheSameForASeedAndOthersForAnother) {
  const Graph graph = small_graph();
  const auto read = [&](std::uint64_t seed) { return RandomWeights(graph, seed).read(whole(graph, "projection"), at::kFloat); };
  EXPECT_TRUE(at::equal(read(1), read(1)));
  EXPECT_FALSE(at::allclose(read(1), read(2)));
}

TEST(RandomWeights, HaveAsMuchSpreadAsKeepsALayersOutputsInRange) {
  const Graph graph = small_graph();
  const RandomWeights weights(graph, 0);
  for (const auto& [name, shape] : graph.tensors()) {
    const at::Tensor tensor = weights.read(whole(graph, name), at::kFloat);
    EXPECT_EQ(tensor.sizes(), at::IntArrayRef(shape));
    if (shape.size() == 2) EXPECT_NEAR(tensor.std().item<double>(), 1 / std::sqrt(static_cast<double>(shape[1])), 0.03) << name;
    if (name.ends_with("bias")) EXPECT_EQ(tensor.abs().max().item<double>(), 0) << name;
  }
}

TEST(RandomWeights, PartsAreThoseOfTheWhole) {
  const Graph graph = small_graph();
  const RandomWeights weights(graph, 3);
  ParameterSource source = whole(graph, "projection");
  const at::Tensor all = weights.read(source, at::kFloat);
  source.rows = {4, 9};
  source.transpose = true;
  source.shape = {all.size(1), 5};
  EXPECT_TRUE(at::equal(weights.read(source, at::kFloat), all.narrow(0, 4, 5).t()));
}

TEST(RandomWeights, MakeAModuleThatAnswers) {
  ops::register_operators();
  const Graph graph = small_graph();
  const Module module = Module::assemble(graph.part("small.pt"), RandomWeights(graph, 0), c10::kCPU, {"forward"});
  for (const at::Tensor& out : module.call_tuple("forward", {at::arange(7)}, 2)) EXPECT_TRUE(out.isfinite().all().item<bool>());
}

TEST(RandomWeights, StopBetweenTensorsOnceTheyAreCancelled) {
  const Graph graph = small_graph();
  const auto cancel = std::make_shared<CancelToken>();
  const RandomWeights weights(graph, 0, cancel);
  cancel->cancel();
  test::expect_error("ERR_ABORTED", {"cancelled"}, [&] { weights.read(whole(graph, "projection"), at::kFloat); });
}

}  // namespace
}  // namespace interrogator
