// The fields of a manifest that the core reads.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "interrogator/bundle.h"

namespace interrogator {

/// A manifest that was read, from wherever it came. lib/bundles checks it against its schema; what is looked at here is that fields are
/// there. All throw kBundleInvalid.
class Manifest {
 public:
  /// `place` and `remedy` for messages: "FOLDER/manifest.json", "export the bundle again".
  Manifest(nlohmann::json json, std::string place, std::string remedy)
      : json_(std::move(json)), place_(std::move(place)), remedy_(std::move(remedy)) {}

  ClipManifest clip() const;
  CaptionManifest caption() const;
  /// Of bundles that hold their weights; empty where their exporter did not write it.
  Logits logits() const;

  [[noreturn]] void fail(const std::string& what) const;

 private:
  /// A field by its JSON pointer, `/image/size`.
  template <class Value>
  Value get(const std::string& pointer) const;
  bool has(const std::string& pointer) const;
  std::int64_t integer(const std::string& pointer) const { return get<std::int64_t>(pointer); }
  ImagePreprocess preprocess(const std::string& parent) const;

  nlohmann::json json_;
  std::string place_, remedy_;
};

}  // namespace interrogator
