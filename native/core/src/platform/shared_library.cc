#include "platform/shared_library.h"

#include <dlfcn.h>

#include <stdexcept>

namespace interrogator {

SharedLibrary::SharedLibrary(const std::filesystem::path& file) : handle_(dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL)), file_(file) {
  if (handle_) return;
  const char* const reason = dlerror();
  throw std::runtime_error(reason ? reason : file_ + " does not load");
}

void* SharedLibrary::address(const char* name) const {
  void* const symbol = dlsym(handle_, name);
  if (!symbol) throw std::runtime_error(file_ + " has no " + name);
  return symbol;
}

std::filesystem::path own_folder() {
  static const char here = 0;
  Dl_info info{};
  if (!dladdr(&here, &info) || !info.dli_fname) return {};
  std::error_code failed;
  const std::filesystem::path file = std::filesystem::absolute(info.dli_fname, failed);
  return failed ? std::filesystem::path() : file.parent_path();
}

}  // namespace interrogator
