#include "interrogator/error.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>
#include <set>

#include "interrogator/cancel.h"

namespace interrogator {
namespace {

template <class Throw>
Error translated(const Throw& call) {
  try {
    call();
  } catch (...) {
    return current_error();
  }
  return {ErrorCode::kRuntime, "nothing was thrown"};
}

TEST(CurrentError, KeepsOurOwn) {
  const Error error = translated([] { throw Error(ErrorCode::kBusy, "full"); });
  EXPECT_EQ(error.code(), ErrorCode::kBusy);
  EXPECT_STREQ(error.what(), "full");
}

TEST(CurrentError, GivesLibtorchsReasonWithoutItsFrames) {
  const Error error = translated([] { at::matmul(at::ones({2, 3}), at::ones({4, 5})); });
  EXPECT_EQ(error.code(), ErrorCode::kRuntime);
  EXPECT_NE(std::string(error.what()).find("shapes cannot be multiplied"), std::string::npos) << error.what();
  EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
}

TEST(CurrentError, FindsTheReasonBehindATorchScriptTraceback) {
  const Error error = translated([] {
    throw std::runtime_error(
        "The following operation failed in the TorchScript interpreter.\nTraceback of TorchScript (most recent call last):\n"
        "  File \"x.py\", line 3, in forward\nRuntimeError: mat1 and mat2 do not fit\nmore");
  });
  EXPECT_STREQ(error.what(), "mat1 and mat2 do not fit");
}

TEST(CurrentError, TellsOutOfMemory) {
  EXPECT_EQ(translated([] { throw std::bad_alloc(); }).code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(translated([] { at::empty({std::int64_t{1} << 50}); }).code(), ErrorCode::kOutOfMemory);
  EXPECT_EQ(translated([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried"); }).code(), ErrorCode::kOutOfMemory);
}

TEST(CurrentError, TellsFileErrors) {
  EXPECT_EQ(translated([] { (void)std::filesystem::file_size("/no/such/file"); }).code(), ErrorCode::kIo);
}

TEST(CurrentError, NeverHasAnEmptyMessage) {
  EXPECT_STRNE(translated([] { throw std::runtime_error(""); }).what(), "");
  EXPECT_STRNE(translated([] { throw 7; }).what(), "");
}

TEST(CodeName, IsDifferentForEachCode) {
  std::set<std::string_view> names;
  for (int code = 0; code <= static_cast<int>(ErrorCode::kRuntime); ++code) names.insert(code_name(static_cast<ErrorCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::kRuntime) + 1);
}

TEST(CancelToken, ThrowsOnceCancelled) {
  CancelToken token;
  EXPECT_NO_THROW(token.check());
  token.cancel();
  EXPECT_EQ(translated([&] { token.check(); }).code(), ErrorCode::kAborted);
}

}  // namespace
}  // namespace interrogator
