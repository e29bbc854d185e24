// Where JavaScript says a model is, and whether its weights fit.
#pragma once

#include <napi.h>

#include "interrogator/bundle.h"

namespace interrogator::binding {

/// A bundle folder, or {bundle, weights}, whose bytes are copied.
BundleSource to_bundle_source(Napi::Value value, const std::string& argument);

/// checkWeights({bundle, weights}, token), on a thread for files.
Napi::Value check_weights(const Napi::CallbackInfo& info);

}  // namespace interrogator::binding
