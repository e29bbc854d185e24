#include "support/weight_cases.h"

#include <gtest/gtest.h>

#include "interrogator/error.h"
#include "support/python.h"

namespace interrogator::test {

namespace {

struct MadeCases {
  TemporaryFolder folder;
  MadeCases() { run_python("support/make_weight_cases.py", {folder.path().string()}); }
};

}  // namespace

const std::filesystem::path& weight_cases_folder() {
  static const MadeCases made;
  return made.folder.path();
}

void expect_error(const std::string& code, const std::vector<std::string>& words, const std::function<void()>& work) {
  try {
    work();
    ADD_FAILURE() << "nothing was thrown, expected " << code << ": " << ::testing::PrintToString(words);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(code_name(error.code()), code) << message;
    for (const std::string& word : words) EXPECT_NE(message.find(word), std::string::npos) << word << " in: " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  }
}

}  // namespace interrogator::test
