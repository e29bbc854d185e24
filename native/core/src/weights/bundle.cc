#include "weights/bundle.h"

#include <fstream>
#include <iterator>

#include "interrogator/error.h"
#include "weights/files/read_json.h"
#include "weights/graph.h"
#include "weights/weights.h"

namespace interrogator {

namespace {

constexpr char kExportAgain[] = "export the bundle again";

Manifest read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "manifest.json";
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    throw Error(ErrorCode::kBundleNotFound, folder.string() + " holds no manifest.json, so it is no bundle; export the model to it");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  try {
    return Manifest(read_json(text), path.string(), kExportAgain);
  } catch (const std::runtime_error& wrong) {
    Manifest({}, path.string(), kExportAgain).fail(std::string("is no readable JSON: ") + wrong.what());
  }
}

/// Modules that hold their weights.
class FolderBundle final : public Bundle {
 public:
  explicit FolderBundle(const std::filesystem::path& folder) : Bundle(read_manifest(folder)), folder_(folder) {}

  Module load(const std::string& file, c10::Device device, std::initializer_list<const char*> methods) const override {
    return Module::load(folder_ / file, device, methods);
  }
  std::string place_of(const std::string& file) const override { return (folder_ / file).string(); }
  const char* remedy() const noexcept override { return kExportAgain; }

 private:
  const std::filesystem::path folder_;
};

/// Modules without weights, and a file of weights.
class GraphBundle final : public Bundle {
 public:
  GraphBundle(Graph graph, const std::filesystem::path& weights, CancelTokenPtr cancel)
      : Bundle(graph.manifest()), graph_(std::move(graph)), weights_(graph_, weights, std::move(cancel)) {}

  Module load(const std::string& file, c10::Device device, std::initializer_list<const char*> methods) const override {
    return Module::assemble(graph_.part(file), weights_, device, methods);
  }
  std::string place_of(const std::string& file) const override { return graph_.place_of(file); }
  const char* remedy() const noexcept override { return Graph::kRemedy; }

 private:
  const Graph graph_;
  const Weights weights_;
};

}  // namespace

std::unique_ptr<const Bundle> Bundle::open(const BundleSource& source, CancelTokenPtr cancel) {
  if (const auto* const folder = std::get_if<std::filesystem::path>(&source)) return std::make_unique<FolderBundle>(*folder);
  const auto& [graph, weights] = std::get<GraphSource>(source);
  return std::make_unique<GraphBundle>(Graph(graph), weights, std::move(cancel));
}

WeightsSummary check_weights(const GraphSource& source) { return Weights(Graph(source.graph), source.weights).summary(); }

}  // namespace interrogator
