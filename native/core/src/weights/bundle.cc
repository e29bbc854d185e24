#include "weights/bundle.h"

#include <cmath>
#include <fstream>
#include <iterator>

#include "interrogator/error.h"
#include "weights/file_weights.h"
#include "weights/files/read_json.h"
#include "weights/graph.h"
#include "weights/random_weights.h"

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

  Module load(const std::string& file, c10::Device device, std::initializer_list<const char*> methods, Products products) const override {
    return Module::load(folder_ / file, device, methods, products);
  }
  std::string place_of(const std::string& file) const override { return (folder_ / file).string(); }
  const char* remedy() const noexcept override { return kExportAgain; }
  Logits logits() const override { return manifest().logits(); }

 private:
  const std::filesystem::path folder_;
};

/// Modules without weights, and where these come from.
class GraphBundle final : public Bundle {
 public:
  GraphBundle(const GraphSource& source, CancelTokenPtr cancel) : GraphBundle(Graph(source.graph), source, std::move(cancel)) {}

  Module load(const std::string& file, c10::Device device, std::initializer_list<const char*> methods, Products products) const override {
    return Module::assemble(graph_.part(file), *weights_, device, methods, products);
  }
  std::string place_of(const std::string& file) const override { return graph_.place_of(file); }
  const char* remedy() const noexcept override { return Graph::kRemedy; }
  Logits logits() const override {
    const auto scale = weights_->number("logit_scale");
    if (!scale) return manifest().logits();
    // A file holds its logarithm.
    return {std::exp(*scale), weights_->number("logit_bias")};
  }

 private:
  GraphBundle(Graph graph, const GraphSource& source, CancelTokenPtr cancel)
      : Bundle(graph.manifest()), graph_(std::move(graph)), weights_(open_weights(source, std::move(cancel))) {}

  std::unique_ptr<const Weights> open_weights(const GraphSource& source, CancelTokenPtr cancel) const {
    if (const auto* const random = std::get_if<RandomSeed>(&source.weights)) {
      return std::make_unique<RandomWeights>(graph_, random->seed, std::move(cancel));
    }
    return std::make_unique<FileWeights>(graph_, std::get<std::filesystem::path>(source.weights), std::move(cancel));
  }

  const Graph graph_;
  const std::unique_ptr<const Weights> weights_;
};

}  // namespace

std::unique_ptr<const Bundle> Bundle::open(const BundleSource& source, CancelTokenPtr cancel) {
  if (const auto* const folder = std::get_if<std::filesystem::path>(&source)) return std::make_unique<FolderBundle>(*folder);
  return std::make_unique<GraphBundle>(std::get<GraphSource>(source), std::move(cancel));
}

WeightsSummary check_weights(const std::string& graph, const std::filesystem::path& weights) {
  return FileWeights(Graph(graph), weights).summary();
}

}  // namespace interrogator
