// A bundle that is open: its manifest, and the modules to load from it.
#pragma once

#include <c10/core/Device.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "weights/manifest.h"
#include "weights/module.h"

namespace interrogator {

/// Open files, so kept for no longer than its modules are loaded.
class Bundle {
 public:
  /// `cancel`, or null: stops what loads from a file of weights. Throws kBundleNotFound, kBundleInvalid, kWeightsInvalid, kIo, kAborted.
  static std::unique_ptr<const Bundle> open(const BundleSource& source, CancelTokenPtr cancel = nullptr);
  virtual ~Bundle() = default;

  const Manifest& manifest() const noexcept { return manifest_; }
  /// The module of a file that the manifest names. Throws as Module::load and Module::assemble.
  virtual Module load(const std::string& file, c10::Device device, std::initializer_list<const char*> methods,
                      Products products = Products::kFloat32) const = 0;
  /// For messages: the file in words, and what to do where it does not do what the manifest says.
  virtual std::string place_of(const std::string& file) const = 0;
  virtual const char* remedy() const noexcept = 0;
  /// How cosine similarities become a model's own logits.
  virtual Logits logits() const = 0;

 protected:
  explicit Bundle(Manifest manifest) : manifest_(std::move(manifest)) {}

 private:
  const Manifest manifest_;
};

}  // namespace interrogator
