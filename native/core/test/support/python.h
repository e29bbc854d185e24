// The Python that the tests compare with: Pillow, torchvision, open_clip, safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace interrogator::test {

/// A folder of this test run's own, removed when it goes out of scope.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Runs a script of the test folder with the interpreter that INTERROGATOR_PYTHON names; its exit
/// status, and what it printed. A missing interpreter fails the test that called.
struct PythonResult {
  int status = -1;
  std::string output;
};
PythonResult run_python(const std::string& script, const std::vector<std::string>& arguments);

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

}  // namespace interrogator::test
