// Opens libtorch before the addon that needs it is loaded. The addon names libraries, not folders; once libraries of
// these names are in the process, the system's loader takes them.
#include <dlfcn.h>
#include <napi.h>

#include <cstdlib>
#include <string>
#include <vector>

#ifdef __linux__
#include <unistd.h>
#endif

namespace {

Napi::Error failure(Napi::Env env, const char* code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", code);
  return error;
}

/// Opens one library for the life of the process. Returns why it could not, or nothing.
std::string open_library(const std::string& path) {
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL) != nullptr) return {};
  const char* const reason = dlerror();
  return reason != nullptr ? reason : path + ": the system's loader refused it without a reason";
}

/// While one lives, libraries that are loaded find GOMP_SPINCOUNT=5000 in the environment, unless the user has a say there.
///
/// libtorch's OpenMP threads wait for each other by spinning, for milliseconds unless told otherwise. Where other work wants the cores, as
/// in a server, that makes a chain's step five times as long; a short spin keeps the low latency of an idle machine. libgomp reads the
/// variable when it is loaded, and takes the number in no other way.
///
/// The host's environment is not written to: other threads may read it, and children would inherit the variable. A longer copy of the
/// environment stands in its place for the moment; both hold the same strings.
class ShortSpin {
 public:
  ShortSpin() {
#ifdef __linux__
    if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
    static char variable[] = "GOMP_SPINCOUNT=5000";
    host_ = environ;
    lent_ = new std::vector<char*>{variable};  // for good: another thread may read it for some time yet
    for (char** each = host_; each != nullptr && *each != nullptr; ++each) lent_->push_back(*each);
    lent_->push_back(nullptr);
    environ = lent_->data();
#endif
  }
  ~ShortSpin() {
#ifdef __linux__
    if (lent_ == nullptr) return;
    if (environ == lent_->data()) {
      environ = host_;
    } else {
      unsetenv("GOMP_SPINCOUNT");  // somebody has set a variable meanwhile, which made a copy of ours the environment
    }
#endif
  }
  ShortSpin(const ShortSpin&) = delete;
  ShortSpin& operator=(const ShortSpin&) = delete;

 private:
  char** host_ = nullptr;
  std::vector<char*>* lent_ = nullptr;
};

/// open(paths: string[]): opens each library, in this order. Throws ERR_ADDON_LOAD with the system's own words.
void open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsArray()) throw failure(env, "ERR_INVALID_ARGUMENT", "paths must be an array of absolute paths");
  const auto paths = info[0].As<Napi::Array>();
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < paths.Length(); ++i) {
    const Napi::HandleScope scope(env);
    const Napi::Value path = paths.Get(i);
    if (!path.IsString()) {
      throw failure(env, "ERR_INVALID_ARGUMENT", "paths[" + std::to_string(i) + "] must be a string");
    }
    names.push_back(path.As<Napi::String>());
  }
  const ShortSpin spin;
  for (const std::string& name : names) {
    const std::string reason = open_library(name);
    if (!reason.empty()) throw failure(env, "ERR_ADDON_LOAD", reason);
  }
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, open, "open"));
  return exports;
}

}  // namespace

NODE_API_MODULE(interrogator_loader, initialize)
