#include "weights/file_weights.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "interrogator/error.h"
#include "ops/operators.h"
#include "ops/packed_weights.h"
#include "support/model_cases.h"
#include "support/python.h"
#include "support/weight_cases.h"
#include "weights/graph.h"
#include "weights/module.h"

namespace interrogator {
namespace {

using test::Cases;
using test::expect_error;
using test::read_file;
using test::weight_cases_folder;

std::string graph_bytes(const std::string& name = "small.graph") { return read_file(weight_cases_folder() / name); }

Module assembled(const std::string& file, const std::string& graph_name = "small.graph") {
  ops::register_operators();
  const Graph graph(graph_bytes(graph_name));
  const FileWeights weights(graph, weight_cases_folder() / file);
  return Module::assemble(graph.part("small.pt"), weights, c10::kCPU, {"forward"});
}

class WeightForms : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(WeightForms, MakeTheModuleThatTorchMakes) {
  const auto& [file, precision] = GetParam();
  const Module module = assembled(file);
  const Cases expected(weight_cases_folder() / "expected.tensors");
  const auto out = module.call_tuple("forward", {at::arange(7)}, 2);
  EXPECT_TRUE(at::allclose(out[0], expected.at(std::string(precision) + "/first"), 1e-4, 1e-4));
  EXPECT_TRUE(at::allclose(out[1], expected.at(std::string(precision) + "/second"), 1e-4, 1e-4));
}

INSTANTIATE_TEST_SUITE_P(
    All, WeightForms,
    ::testing::Values(std::pair{"plain.safetensors", "plain"}, std::pair{"plain.bin", "plain"}, std::pair{"strided.bin", "plain"},
                      std::pair{"training.pt", "plain"}, std::pair{"aliased.safetensors", "plain"}, std::pair{"script.pt", "plain"},
                      std::pair{"shards/model.safetensors.index.json", "plain"}, std::pair{"bin-shards/model.bin.index.json", "plain"},
                      std::pair{"huge.bin", "plain"}, std::pair{"half.safetensors", "half"}, std::pair{"half.bin", "half"},
                      std::pair{"half-script.pt", "half"}, std::pair{"bfloat.safetensors", "bfloat"}, std::pair{"bfloat.bin", "bfloat"}));

TEST(FileWeights, OfATiedHeadAreOneTensor) {
  const Module module = assembled("plain.safetensors");
  // 50 rows are no multiple of a panel and have no bias, so that the tied weight stays as it is; all others are packed or plain.
  const std::int64_t numbers = 50 * 16 + 3 * (16 * 16 + 16) + 16 * 16 + 24 * 16 + 1 + 1;
  const std::int64_t bytes = Module::bytes_of({&module});
  EXPECT_GE(bytes, numbers * 4);
  EXPECT_LT(bytes, (numbers + 50 * 16) * 4 + 3 * 16 * 16 * 4) << "the head has memory of its own";
}

TEST(FileWeights, AreSummedUp) {
  const auto check = [](const char* file) { return check_weights(graph_bytes(), weight_cases_folder() / file); };
  const std::int64_t parameters = 50 * 16 + 48 * 16 + 48 + 16 * 16 + 16 * 24 + 1;
  for (const auto& [file, dtype, width] :
       std::vector<std::tuple<const char*, const char*, std::uint64_t>>{{"plain.safetensors", "float32", 4},
                                                                        {"half-script.pt", "float16", 2},
                                                                        {"bfloat.bin", "bfloat16", 2},
                                                                        {"training.pt", "float32", 4}}) {
    const WeightsSummary summary = check(file);
    EXPECT_EQ(summary.tensors, 6);
    EXPECT_EQ(summary.parameters, parameters);
    EXPECT_EQ(summary.dtype, dtype);
    EXPECT_EQ(summary.bytes, static_cast<std::uint64_t>(parameters) * width);
  }
}

TEST(FileWeights, HaveNumbersThatNoModuleReads) {
  const Graph graph(graph_bytes());
  EXPECT_EQ(FileWeights(graph, weight_cases_folder() / "training.pt").number("logit_scale"), 1.0);
  EXPECT_EQ(FileWeights(graph, weight_cases_folder() / "training.pt").number("logit_bias"), std::nullopt);
  EXPECT_EQ(FileWeights(graph, weight_cases_folder() / "plain.bin").number("logit_scale"), std::nullopt);
}

TEST(FileWeights, ThatDoNotFitAreNamed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"missing.safetensors", "'projection' is missing, expected with the shape [16, 24]"},
      {"extra.safetensors", "'extra.weight' of shape [2, 3] is left over"},
      {"shape.safetensors", "'projection' has the shape [24, 16], expected [16, 24]"},
      {"type.safetensors", "'projection' is of the type I32, expected F32, F16 or BF16"},
  };
  for (const auto& [file, words] : cases) {
    expect_error("ERR_WEIGHTS_INVALID", {file, words, "the graph of 'small'"}, [&, name = file] { assembled(name); });
    expect_error("ERR_WEIGHTS_INVALID", {file, words}, [&, name = file] { check_weights(graph_bytes(), weight_cases_folder() / name); });
  }
}

TEST(FileWeights, ThatAreCutWhileTheyAreReadAreTold) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", read_file(weight_cases_folder() / "plain.safetensors"));
  const Graph graph(graph_bytes());
  const FileWeights weights(graph, folder / "file");
  std::filesystem::resize_file(folder / "file", 2000);
  expect_error("ERR_WEIGHTS_INVALID", {(folder / "file").string(), "cut short"},
               [&] { Module::assemble(graph.part("small.pt"), weights, c10::kCPU, {"forward"}); });
}

TEST(FileWeights, StopBetweenTensorsOnceTheyAreCancelled) {
  const Graph graph(graph_bytes());
  const auto cancel = std::make_shared<CancelToken>();
  const FileWeights weights(graph, weight_cases_folder() / "plain.safetensors", cancel);
  Module::assemble(graph.part("small.pt"), weights, c10::kCPU, {"forward"});
  cancel->cancel();
  expect_error("ERR_ABORTED", {"cancelled"}, [&] { Module::assemble(graph.part("small.pt"), weights, c10::kCPU, {"forward"}); });
}

TEST(GraphFile, ThatDoesNotFitItsModuleIsRefused) {
  expect_error("ERR_BUNDLE_INVALID", {"is empty, and the graph does not fill it", "the graph of 'small'"},
               [] { assembled("plain.bin", "incomplete.graph"); });
  expect_error("ERR_BUNDLE_INVALID", {"it has no 'no.where'"}, [] { assembled("plain.bin", "lost.graph"); });
  const Graph graph(graph_bytes());
  expect_error("ERR_BUNDLE_INVALID", {"no module 'text.pt'"}, [&] { graph.part("text.pt"); });
}

/// A graph of this header and no modules.
std::string graph_of(const std::string& header) {
  std::string bytes;
  for (std::size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(header.size() >> (8 * i)));
  return bytes + header;
}

TEST(GraphFile, ThatIsDamagedIsRefused) {
  const auto with = [](const std::string& parameter, const std::string& more = "") {
    return graph_of(
        R"({"graphVersion":1,"manifest":{},"modules":{"a.pt":[0,0]},"tensors":{"t":[4,6],"v":[5]},"parameters":{"a.pt":[{"to":"x",)" +
        parameter + "}]}" + more + "}");
  };
  EXPECT_NO_THROW(Graph(with(R"("from":"t","rows":[1,3],"transpose":true,"shape":[12])")));
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "does not lie inside"},
      {std::string(8, '\xFF'), "does not lie inside"},
      {graph_of("[]"), "no JSON object"},
      {graph_of("{"), "parse error"},
      {graph_of("{}"), "another version"},
      {graph_of(R"({"graphVersion":2})"), "another version"},
      {graph_of(R"({"graphVersion":1})"), "tensors"},
      {graph_of(R"({"graphVersion":1,"tensors":{"a":[-1]}})"), "absurd"},
      {graph_of(R"({"graphVersion":1,"tensors":{"a":[1e300]}})"), "whole numbers"},
      {graph_of(R"({"graphVersion":1,"tensors":{},"modules":{"a":[0,1]},"parameters":{}})"), "'a' does not lie inside"},
      {graph_of(R"({"graphVersion":1,"tensors":{},"modules":{"a":[1,0]},"parameters":{}})"), "'a' does not lie inside"},
      {graph_of(R"({"graphVersion":1,"tensors":{},"modules":{},"parameters":{"a":[]}})"), "none of its modules"},
      {with(R"("from":"u")"), "a tensor that it does not list"},
      {with(R"("from":"t","rows":[3,5])"), "rows that are not there"},
      {with(R"("from":"t","rows":[3,2])"), "rows that are not there"},
      {with(R"("from":"t","rows":[-1,2])"), "rows that are not there"},
      {with(R"("from":"v","transpose":true)"), "no matrix"},
      {with(R"("from":"t","shape":[5,5])"), "another size"},
      {with(R"("from":1)"), "type"},
      {with(R"("from":"t")", R"(,"unused":[1])"), "type"},
  };
  for (const auto& [bytes, words] : cases) {
    expect_error("ERR_BUNDLE_INVALID", {words, "install torch-interrogator again"}, [&, text = bytes] { Graph{text}; });
  }
}

}  // namespace
}  // namespace interrogator
