// Opens libtorch before the addon that needs it is loaded. The addon names libraries, not folders; once libraries of
// these names are in the process, the system's loader takes them.
#include <napi.h>

#include <cstdlib>
#include <string>

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace {

Napi::Error failure(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  return error;
}

/// Opens one library for the life of the process. Returns why it could not, or nothing.
std::string open_library(const Napi::String& path) {
#ifdef _WIN32
  const std::u16string name = path.Utf16Value();
  if (LoadLibraryExW(reinterpret_cast<LPCWSTR>(name.c_str()), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH) != nullptr) return {};
  const DWORD reason = GetLastError();
  char text[512] = {};
  FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr, reason, 0, text, sizeof text, nullptr);
  return path.Utf8Value() + ": " + text + "(error " + std::to_string(reason) + ")";
#else
  const std::string name = path.Utf8Value();
  if (dlopen(name.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* const reason = dlerror();
  return reason != nullptr ? reason : name + ": the system's loader refused it without a reason";
#endif
}

/// libtorch's OpenMP threads wait for each other by spinning, for milliseconds unless told otherwise. Where other work
/// wants the cores, as in a server, that turns steps of microseconds into steps of scheduling slices; a short spin keeps
/// the low latency of an idle machine. Read by libgomp when it is loaded; what the user has set stays.
void limit_spinning() {
#ifdef __linux__
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) setenv("GOMP_SPINCOUNT", "5000", /*overwrite=*/0);
#endif
}

/// open(paths: string[]): opens each library, in this order. Throws ERR_ADDON_LOAD with the system's own words.
void open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw failure(env, "ERR_INVALID_ARGUMENT", "paths must be an array of absolute paths");
  limit_spinning();
  const auto paths = info[0].As<Napi::Array>();
  for (std::uint32_t i = 0; i < paths.Length(); ++i) {
    const Napi::HandleScope scope(env);
    const Napi::Value path = paths.Get(i);
    if (!path.IsString()) {
      throw failure(env, "ERR_INVALID_ARGUMENT", "paths[" + std::to_string(i) + "] must be a string");
    }
    const std::string reason = open_library(path.As<Napi::String>());
    if (!reason.empty()) throw failure(env, "ERR_ADDON_LOAD", reason);
  }
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, open, "open"));
  return exports;
}

}  // namespace

NODE_API_MODULE(interrogator_loader, initialize)
