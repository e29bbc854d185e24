#include "weights/sha256.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "interrogator/error.h"
#include "support/python.h"

namespace interrogator {
namespace {

std::string digest(const std::string& text, Sha256::Kernel kernel) {
  Sha256 sha(kernel);
  sha.update(text.data(), text.size());
  return sha.hex_digest();
}

TEST(Sha256, GivesTheDigestsOfFips180) {
  for (const Sha256::Kernel kernel : {Sha256::Kernel::kPlain, Sha256::best_kernel()}) {
    EXPECT_EQ(digest("", kernel), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("abc", kernel), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", kernel),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest(std::string(1'000'000, 'a'), kernel), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  }
}

TEST(Sha256, DoesNotDependOnTheKernelNorOnHowBytesArrive) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(random() % 400, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    Sha256 pieces;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(random() % 150, bytes.size() - at);
      pieces.update(bytes.data() + at, size);
      at += size;
    }
    const std::string expected = digest(bytes, Sha256::Kernel::kPlain);
    ASSERT_EQ(pieces.hex_digest(), expected);
    ASSERT_EQ(digest(bytes, Sha256::best_kernel()), expected);
  }
}

TEST(Sha256, ReadsFiles) {
  const test::TemporaryFolder folder;
  const std::string bytes(3'000'001, 'x');
  test::write_file(folder / "file", bytes);
  EXPECT_EQ(sha256_of_file(folder / "file"), digest(bytes, Sha256::Kernel::kPlain));
  try {
    sha256_of_file(folder / "none");
    FAIL() << "it read a file that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
  }
}

}  // namespace
}  // namespace interrogator
