// Opens libtorch before the addon that needs it is loaded. The addon names libraries, not folders; once libraries of
// these names are in the process, the system's loader takes them.
#include <dlfcn.h>
#include <napi.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#ifdef __linux__
#include <unistd.h>
#endif

namespace {

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
/// Only on the JS thread, and for a moment. The host's environment is not written to: other threads may read it, and children would inherit
/// the variable. A longer copy of the environment stands in its place for the moment; both hold the same strings.
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

/// Libraries that are opened off the JS thread: libtorch has half a million addresses to be filled in.
class Opening {
 public:
  /// A promise for the end; `paths` in this order.
  static Napi::Value start(Napi::Env env, std::vector<std::string> paths) {
    auto opening = std::make_unique<Opening>();
    opening->paths_ = std::move(paths);
    napi_value promise = nullptr;
    const bool started = napi_create_promise(env, &opening->deferred_, &promise) == napi_ok &&
                         napi_create_async_work(env, nullptr, Napi::String::New(env, "torch-interrogator"), run, settle, opening.get(),
                                                &opening->work_) == napi_ok &&
                         napi_queue_async_work(env, opening->work_) == napi_ok;
    if (!started) throw Napi::Error::New(env, "the environment is ending");
    (void)opening.release();  // settle() owns it
    return {env, promise};
  }

 private:
  static void run(napi_env, void* data) {
    auto& self = *static_cast<Opening*>(data);
    for (const std::string& path : self.paths_) {
      self.reason_ = open_library(path);
      if (!self.reason_.empty()) return;
    }
  }

  /// Without the C++ wrapper, which ends the process where a worker thread that is being terminated refuses these calls.
  static void settle(napi_env env, napi_status, void* data) {
    const std::unique_ptr<Opening> self(static_cast<Opening*>(data));
    napi_value code = nullptr, text = nullptr, result = nullptr;
    if (self->reason_.empty()) {
      napi_get_undefined(env, &result);
      napi_resolve_deferred(env, self->deferred_, result);
    } else {
      napi_create_string_utf8(env, "ERR_ADDON_LOAD", NAPI_AUTO_LENGTH, &code);
      napi_create_string_utf8(env, self->reason_.c_str(), NAPI_AUTO_LENGTH, &text);
      napi_create_error(env, code, text, &result);
      napi_reject_deferred(env, self->deferred_, result);
    }
    napi_delete_async_work(env, self->work_);
  }

  std::vector<std::string> paths_;
  std::string reason_;  // empty: all are open
  napi_deferred deferred_ = nullptr;
  napi_async_work work_ = nullptr;
};

/// open(paths: string[], libgomp?: string): opens libgomp at once, then each library on another thread, in this order. Rejects with
/// ERR_ADDON_LOAD and the system's own words. Throws where the environment is ending.
Napi::Value open(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto given = info[0].As<Napi::Array>();
  std::vector<std::string> paths;
  for (std::uint32_t i = 0; i < given.Length(); ++i) {
    const Napi::HandleScope scope(env);
    paths.push_back(given.Get(i).As<Napi::String>());
  }
  if (!info[1].IsUndefined()) {
    const std::string libgomp = info[1].As<Napi::String>();
    const ShortSpin spin;
    open_library(libgomp);  // where it fails, libtorch fails too, and says why
  }
  return Opening::start(env, std::move(paths));
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, open, "open"));
  return exports;
}

}  // namespace

NODE_API_MODULE(interrogator_loader, initialize)
