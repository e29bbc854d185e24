// What make_weight_cases.py writes: weights in every form that publishers use, and what torch makes of them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace interrogator::test {

/// Made once a process and removed at its end. A failure of the script fails the test that asks.
const std::filesystem::path& weight_cases_folder();

/// That `work` throws an Error of this code ("ERR_IO"), whose message has all these words in it.
void expect_error(const std::string& code, const std::vector<std::string>& words, const std::function<void()>& work);

}  // namespace interrogator::test
