// A shared object that is opened at run time.
#pragma once

#include <filesystem>
#include <string>

namespace interrogator {

/// Stays open for the life of the process: what it was used for may have left work of it behind.
class SharedLibrary {
 public:
  /// Throws std::runtime_error in the system's words.
  explicit SharedLibrary(const std::filesystem::path& file);

  /// Throws std::runtime_error where there is no such function.
  template <class Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(address(name));
  }

 private:
  void* address(const char* name) const;

  void* handle_;
  std::string file_;
};

/// The folder of the addon or program that this code was linked into. Empty where that is not known.
std::filesystem::path own_folder();

}  // namespace interrogator
