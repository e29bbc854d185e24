#include "bundle_source.h"

#include <string>

#include "async_call.h"
#include "convert.h"

namespace interrogator::binding {

namespace {

constexpr std::size_t kLargestGraph = std::size_t{64} << 20;
/// JavaScript's Number.MAX_SAFE_INTEGER.
constexpr std::int64_t kLargestSeed = (std::int64_t{1} << 53) - 1;

GraphSource to_graph_source(Napi::Value value, const std::string& argument) {
  const OptionsReader reader(value, argument);
  const auto bytes = to_bytes(reader.get("bundle"), argument + ".bundle");
  if (bytes.empty() || bytes.size() > kLargestGraph) {
    invalid(argument + ".bundle", "expected 1 to " + std::to_string(kLargestGraph) + " bytes, got " + std::to_string(bytes.size()));
  }
  // Copied before the other field is read: its getter may be JavaScript that takes the memory away.
  std::string graph(bytes.begin(), bytes.end());
  const Napi::Value weights = reader.get("weights");
  if (!weights.IsObject()) return {std::move(graph), to_path(weights, argument + ".weights")};
  const std::int64_t seed = OptionsReader(weights, argument + ".weights").integer("seed", 0, 0, kLargestSeed);
  return {std::move(graph), RandomSeed{static_cast<std::uint64_t>(seed)}};
}

Napi::Value from_summary(Napi::Env env, const WeightsSummary& summary) {
  const auto object = Napi::Object::New(env);
  object.Set("tensors", summary.tensors);
  object.Set("parameters", summary.parameters);
  object.Set("dtype", summary.dtype);
  object.Set("bytes", static_cast<double>(summary.bytes));
  return object;
}

}  // namespace

BundleSource to_bundle_source(Napi::Value value, const std::string& argument) {
  if (value.IsString()) return to_path(value, argument);
  if (!value.IsObject()) invalid(argument, "a bundle folder's path or {bundle, weights}", value);
  return to_graph_source(value, argument);
}

Napi::Value check_weights(const Napi::CallbackInfo& info) {
  if (!info[0].IsObject()) invalid("source", "{bundle, weights}", info[0]);
  GraphSource source = to_graph_source(info[0], "source");
  const auto* const weights = std::get_if<std::filesystem::path>(&source.weights);
  if (!weights) invalid("source.weights", "expected a path");
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[1]))
      ->run_on(environment_of(info.Env()).file_thread(), [graph = std::move(source.graph), weights = *weights](AsyncCall&) {
        return answer(from_summary, interrogator::check_weights(graph, weights));
      });
}

}  // namespace interrogator::binding
