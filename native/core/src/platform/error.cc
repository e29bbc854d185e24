#include "interrogator/error.h"

#include <c10/util/Exception.h>

#include <exception>
#include <filesystem>
#include <ios>
#include <new>

namespace interrogator {

namespace {

/// TorchScript puts its own stack before the reason: "… (most recent call last):\n … RuntimeError: reason".
std::string first_line(const std::string& text) {
  constexpr std::string_view kScriptError = "RuntimeError: ";
  std::size_t start = 0;
  if (text.find("Traceback of TorchScript") != std::string::npos) {
    const std::size_t reason = text.rfind(kScriptError);
    if (reason != std::string::npos) start = reason + kScriptError.size();
  }
  start = text.find_first_not_of(" \n\r\t", start);
  if (start == std::string::npos) return "libtorch failed without saying why";
  const std::size_t end = text.find('\n', start);
  return text.substr(start, end == std::string::npos ? end : end - start);
}

/// libtorch's CPU allocator reports a failed allocation as a plain c10::Error.
bool says_out_of_memory(const std::string& text) {
  return text.find("out of memory") != std::string::npos || text.find("can't allocate memory") != std::string::npos ||
         text.find("not enough memory") != std::string::npos;
}

Error out_of_memory(const std::string& text) {
  return Error(ErrorCode::kOutOfMemory, first_line(text) + "; use smaller batches, a smaller model or the low-VRAM preset");
}

Error libtorch_error(const std::string& text) {
  return says_out_of_memory(text) ? out_of_memory(text) : Error(ErrorCode::kRuntime, first_line(text));
}

}  // namespace

std::string_view code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return "ERR_INVALID_ARGUMENT";
    case ErrorCode::kImageSize: return "ERR_IMAGE_SIZE";
    case ErrorCode::kBundleNotFound: return "ERR_BUNDLE_NOT_FOUND";
    case ErrorCode::kBundleInvalid: return "ERR_BUNDLE_INVALID";
    case ErrorCode::kWeightsInvalid: return "ERR_WEIGHTS_INVALID";
    case ErrorCode::kLabelsDamaged: return "ERR_LABELS_DAMAGED";
    case ErrorCode::kLabelsMismatch: return "ERR_LABELS_MISMATCH";
    case ErrorCode::kDevice: return "ERR_DEVICE";
    case ErrorCode::kBusy: return "ERR_BUSY";
    case ErrorCode::kAborted: return "ERR_ABORTED";
    case ErrorCode::kDisposed: return "ERR_DISPOSED";
    case ErrorCode::kOutOfMemory: return "ERR_OUT_OF_MEMORY";
    case ErrorCode::kIo: return "ERR_IO";
    case ErrorCode::kRuntime: return "ERR_RUNTIME";
  }
  return "ERR_RUNTIME";
}

Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const c10::OutOfMemoryError& error) {
    return out_of_memory(error.what_without_backtrace());
  } catch (const c10::Error& error) {
    return libtorch_error(error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "the host ran out of memory; use smaller batches or a smaller model");
  } catch (const std::filesystem::filesystem_error& error) {
    return Error(ErrorCode::kIo, error.what());
  } catch (const std::ios_base::failure& error) {
    return Error(ErrorCode::kIo, error.what());
  } catch (const std::exception& error) {
    // TorchScript's interpreter throws its own type, derived from std::runtime_error.
    return libtorch_error(error.what());
  } catch (...) {
    return Error(ErrorCode::kRuntime, "an exception of an unknown type");
  }
}

}  // namespace interrogator
