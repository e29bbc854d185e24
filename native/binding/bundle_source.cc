#include "bundle_source.h"

#include <string>

#include "async_call.h"
#include "convert.h"

namespace interrogator::binding {

namespace {

constexpr std::size_t kLargestGraph = std::size_t{64} << 20;

GraphSource to_graph_source(Napi::Value value, const std::string& argument) {
  const OptionsReader reader(value, argument);
  const auto bytes = to_bytes(reader.get("bundle"), argument + ".bundle");
  if (bytes.empty() || bytes.size() > kLargestGraph) {
    invalid(argument + ".bundle", "expected 1 to " + std::to_string(kLargestGraph) + " bytes, got " + std::to_string(bytes.size()));
  }
  // Copied before the other field is read: its getter may be JavaScript that takes the memory away.
  std::string graph(bytes.begin(), bytes.end());
  return {std::move(graph), to_path(reader.get("weights"), argument + ".weights")};
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
  return AsyncCall::create(info.Env(), CancelTokenWrap::group_of(info[1]))
      ->run_on(environment_of(info.Env()).file_thread(),
               [source = std::move(source)](AsyncCall&) { return answer(from_summary, interrogator::check_weights(source)); });
}

}  // namespace interrogator::binding
