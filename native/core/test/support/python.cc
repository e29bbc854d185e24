#include "support/python.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

namespace interrogator::test {

namespace {

std::string in_shell_quotes(const std::string& text) { return '\'' + text + '\''; }

}  // namespace

TemporaryFolder::TemporaryFolder()
    : path_(std::filesystem::temp_directory_path() / ("interrogator-core-" + std::to_string(std::random_device()()))) {
  std::filesystem::create_directories(path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

PythonResult run_python(const std::string& script, const std::vector<std::string>& arguments) {
  const char* const python = std::getenv("INTERROGATOR_PYTHON");
  if (!python || !*python) {
    ADD_FAILURE() << "INTERROGATOR_PYTHON is not set. Configure with -DINTERROGATOR_PYTHON=<python> (one with torchvision, open_clip_torch "
                     "and safetensors) and run ctest, or set the variable.";
    return {};
  }
  std::string command = in_shell_quotes(python) + ' ' + in_shell_quotes(std::string(INTERROGATOR_TEST_FOLDER "/") + script);
  for (const std::string& argument : arguments) command += ' ' + in_shell_quotes(argument);
  command += " 2>&1";

  PythonResult result;
  std::FILE* const pipe = popen(command.c_str(), "r");
  if (!pipe) return result;
  std::array<char, 4096> block;
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), pipe)) result.output.append(block.data(), size);
  result.status = pclose(pipe);
  EXPECT_EQ(result.status, 0) << command << "\n" << result.output;
  return result;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace interrogator::test
