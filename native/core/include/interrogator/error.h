// Typed errors: every failure that leaves the core is one of these.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace interrogator {

/// What went wrong. `code_name` gives the string that JavaScript sees as `error.code`.
enum class ErrorCode {
  kInvalidArgument,  // ERR_INVALID_ARGUMENT: a shape, range or type the call does not accept
  kImageSize,        // ERR_IMAGE_SIZE: no pixels, or more than the core accepts
  kBundleNotFound,   // ERR_BUNDLE_NOT_FOUND: the folder or its manifest.json is not there
  kBundleInvalid,    // ERR_BUNDLE_INVALID: the manifest cannot be read or lacks a field
  kWeightsInvalid,   // ERR_WEIGHTS_INVALID: a file of weights cannot be read, or is not of the model's architecture
  kLabelsDamaged,    // ERR_LABELS_DAMAGED: a label cache is no readable safetensors file
  kLabelsMismatch,   // ERR_LABELS_MISMATCH: a label cache for other labels or another dimension
  kDevice,           // ERR_DEVICE: no such device here
  kBusy,             // ERR_BUSY: the device's queue is full
  kAborted,          // ERR_ABORTED: cancelled by the caller
  kDisposed,         // ERR_DISPOSED: the handle or its device was closed
  kOutOfMemory,      // ERR_OUT_OF_MEMORY: the device or the host ran out of memory
  kIo,               // ERR_IO: reading or writing a file failed
  kRuntime,          // ERR_RUNTIME: libtorch failed; the message is its first line
};

std::string_view code_name(ErrorCode code) noexcept;

class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// Runs inside a catch block: turns whatever is in flight (c10::Error, std::bad_alloc, …) into an
/// Error without libtorch's stack frames. Never throws anything but the returned value's copy.
Error current_error();

/// What `call` gives. Where it fails without a code of its own (kRuntime), `code` in the words that `explain` makes of its message.
template <class Call, class Explain>
auto explained(ErrorCode code, const Call& call, const Explain& explain) {
  try {
    return call();
  } catch (...) {
    const Error failure = current_error();
    if (failure.code() != ErrorCode::kRuntime) throw failure;
    throw Error(code, explain(std::string(failure.what())));
  }
}

}  // namespace interrogator
