// A graph: a model's modules without weights, and where in its publisher's file each weight lies. See docs/bundle-format.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weights/manifest.h"

namespace interrogator {

using Shape = std::vector<std::int64_t>;

/// Where a module's tensor comes from: rows of a tensor of the file, then transposed, then in another shape.
struct ParameterSource {
  std::string to, from;
  std::optional<std::pair<std::int64_t, std::int64_t>> rows;  ///< begin, end
  bool transpose = false;
  Shape shape;  ///< of the module's tensor

  /// Two sources that differ in `to` alone give one tensor, in two places.
  friend bool operator==(const ParameterSource& one, const ParameterSource& other) {
    return one.from == other.from && one.rows == other.rows && one.transpose == other.transpose && one.shape == other.shape;
  }
};

/// One module of a graph, which has to outlive it.
struct GraphPart {
  std::string place;  ///< for messages
  std::string_view archive;
  const std::vector<ParameterSource>& parameters;
};

class Graph {
 public:
  static constexpr char kRemedy[] = "install torch-interrogator again";

  /// Checks that ranges lie inside and that sources fit the tensors that they name. Throws kBundleInvalid.
  explicit Graph(std::string bytes);

  Manifest manifest() const { return Manifest(manifest_, place(), kRemedy); }
  /// "the graph of 'ViT-B-32/openai'"
  std::string place() const;
  std::string place_of(const std::string& file) const { return file + " in " + place(); }
  /// Throws kBundleInvalid where there is no such module.
  GraphPart part(const std::string& file) const;

  /// What is read of a file of weights.
  const std::map<std::string, Shape>& tensors() const noexcept { return tensors_; }
  /// The other names that a file may use for one of them.
  const std::vector<std::string>& aliases_of(const std::string& tensor) const;
  /// Whether a file may hold a tensor of this name that nothing reads.
  bool leaves_out(const std::string& name) const;

 private:
  struct Part {
    std::size_t begin = 0, end = 0;  // in bytes_
    std::vector<ParameterSource> parameters;
  };

  void read(const nlohmann::json& header, std::size_t data);
  ParameterSource read_source(const nlohmann::json& entry) const;

  const std::string bytes_;
  nlohmann::json manifest_;
  std::map<std::string, Part> parts_;
  std::map<std::string, Shape> tensors_;
  std::map<std::string, std::vector<std::string>> aliases_;
  std::vector<std::string> unused_;
};

}  // namespace interrogator
