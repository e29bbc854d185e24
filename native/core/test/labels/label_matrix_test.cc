#include "interrogator/label_matrix.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <limits>

#include "interrogator/error.h"
#include "support/python.h"

namespace interrogator {
namespace {

const std::string kHash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Row i is 1 at column i modulo dim.
Features unit_features(std::int64_t rows, std::int64_t dim) {
  return Features(Device::open("cpu"), at::eye(dim).index_select(0, at::arange(rows).remainder(dim)));
}

Features random_features(std::int64_t rows, std::int64_t dim) {
  const at::Tensor values = at::randn({rows, dim});
  return Features(Device::open("cpu"), values / values.norm(2, {1}, /*keepdim=*/true));
}

/// All rows of a matrix, read back through ranking: the similarity with each unit vector.
at::Tensor rows_of(const std::shared_ptr<LabelMatrix>& matrix) {
  const Features units(Device::open("cpu"), at::eye(matrix->dim()));
  const TopK top = LabelMatrix::top_k({matrix}, units, {.k = matrix->rows()});
  at::Tensor result = at::empty({matrix->rows(), matrix->dim()});
  for (std::int64_t column = 0; column < top.rows; ++column) {
    for (std::int64_t i = 0; i < top.k; ++i) {
      const auto at = static_cast<std::size_t>(column * top.k + i);
      result[top.indices[at]][column] = top.similarities[at];
    }
  }
  return result;
}

struct Failure {
  ErrorCode code;
  std::string message;
};

template <class Call>
Failure failure_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {ErrorCode::kRuntime, "nothing failed"};
}

Failure open_bytes(const std::string& bytes) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "labels.safetensors", bytes);
  return failure_of([&] { LabelMatrix::open(folder / "labels.safetensors"); });
}

std::string header_of(const std::string& json, std::uint64_t size) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(size >> (8 * i)));
  return bytes + json;
}

std::string file_of(const std::string& json, std::size_t data) { return header_of(json, json.size()) + std::string(data, '0'); }

TEST(LabelMatrix, LoadsWhatClipInterrogatorWrites) {
  const test::TemporaryFolder folder;
  for (const auto& [rows, dim] : {std::pair{3, 8}, {1, 1}, {500, 17}, {0, 16}}) {
    const std::string path = folder / "python.safetensors";
    const std::string hash =
        test::run_python("labels/label_matrix_cases.py", {"write", path, std::to_string(rows), std::to_string(dim)}).output;
    const auto matrix = LabelMatrix::open(path, hash, dim);
    EXPECT_EQ(matrix->rows(), rows);
    EXPECT_EQ(matrix->dim(), dim);
    EXPECT_EQ(matrix->hash(), hash);
    if (rows == 0) continue;
    EXPECT_TRUE(at::equal(rows_of(matrix), unit_features(rows, dim).tensor()));
  }
}

TEST(LabelMatrix, IsLoadedByClipInterrogator) {
  const test::TemporaryFolder folder;
  for (const auto& [rows, dim] : {std::pair{3, 8}, {1, 1}, {500, 17}, {0, 16}}) {
    const std::string path = folder / "new folder/ours.safetensors";
    LabelMatrix::from_features(unit_features(rows, dim), kHash)->write(path);
    test::run_python("labels/label_matrix_cases.py", {"check", path, std::to_string(rows), std::to_string(dim), kHash});
  }
}

TEST(LabelMatrix, ReadsBackWhatItWroteAndLeavesNoTemporaryFile) {
  const test::TemporaryFolder folder;
  const Features features = random_features(40, 12);
  LabelMatrix::from_features(unit_features(2, 3), kHash)->write(folder / "labels.safetensors");
  LabelMatrix::from_features(features, kHash)->write(folder / "labels.safetensors");
  const auto matrix = LabelMatrix::open(folder / "labels.safetensors", kHash, 12);
  EXPECT_TRUE(at::equal(rows_of(matrix), rows_of(LabelMatrix::from_features(features, kHash))));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(LabelMatrix, StaysReadableAfterItsFileWasReplaced) {
  const test::TemporaryFolder folder;
  LabelMatrix::from_features(unit_features(40, 12), kHash)->write(folder / "labels.safetensors");
  const auto matrix = LabelMatrix::open(folder / "labels.safetensors");
  LabelMatrix::from_features(unit_features(1, 12), kHash)->write(folder / "labels.safetensors");
  EXPECT_TRUE(at::equal(rows_of(matrix), rows_of(LabelMatrix::from_features(unit_features(40, 12), kHash))));
}

TEST(LabelMatrix, LoadsAFileWhoseHeaderIsNotPadded) {
  const test::TemporaryFolder folder;
  const std::string json =
      R"({"embeds":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]},"hash":{"dtype":"I8","shape":[64],"data_offsets":[4,68]}})";
  for (const std::string spaces : {"", " "}) {
    test::write_file(folder / "labels.safetensors",
                     header_of(json + spaces, (json + spaces).size()) + std::string("\xCD\x38\x66\x3A", 4) + kHash);
    const at::Tensor rows = rows_of(LabelMatrix::open(folder / "labels.safetensors"));
    EXPECT_NEAR(rows[0][0].item<float>(), 0.6F, 1e-3F);
    EXPECT_NEAR(rows[0][1].item<float>(), 0.8F, 1e-3F);
  }
}

TEST(LabelMatrix, NamesWhatIsDamaged) {
  const std::string embeds = R"({"embeds":{"dtype":"F16","shape":[2,4],"data_offsets":[0,16]})";
  const std::string good = embeds + R"(,"hash":{"dtype":"I8","shape":[64],"data_offsets":[16,80]}})";
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string json = good;
    return json.replace(json.find(from), from.size(), to);
  };
  const std::pair<std::string, std::string> cases[] = {
      {"", "empty"},
      {"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "error page"},
      {"Not Found", "error page"},
      {std::string("\x01\x00\x00", 3), "only 3 bytes"},
      {header_of("{}", std::uint64_t{1} << 60), "header would be"},
      {header_of("{}", 200'000'000), "header would be"},
      {header_of("nope", 4), "no JSON"},
      {file_of("[1]", 80), "no JSON object"},
      {file_of(embeds + "}", 80), "no 'hash'"},
      {file_of(good, 79), "cut short"},
      {file_of(changed("{\"embeds", "{\"__metadatb__\":{\"a\":\"b\"},\"embeds"), 80), "'__metadatb__' has no data_offsets"},
      {file_of(changed("F16", "F32"), 80), "is F32"},
      {file_of(changed("F16", "BF16"), 80), "is BF16"},
      {file_of(changed("F16", "Q4"), 80), "is Q4"},
      {file_of(changed("[2,4]", "[8]"), 80), "of 1 dimensions"},
      {file_of(changed("[2,4]", "[2,-4]"), 80), "shape"},
      {file_of(changed("[2,4]", "[4611686018427387904,4611686018427387904]"), 80), "absurd"},
      {file_of(changed("[0,16]", "[16,0]"), 80), "data_offsets"},
      {file_of(changed("[0,16]", "[-1,15]"), 80), "data_offsets"},
      {file_of(changed("[64]", "[63]"), 80), "do not fit"},
      {file_of(good, 16) + std::string(64, 'Z'), "no SHA-256"},
  };
  for (const auto& [bytes, expected] : cases) {
    const Failure failure = open_bytes(bytes);
    EXPECT_EQ(failure.code, ErrorCode::kLabelsDamaged) << expected << ": " << failure.message;
    EXPECT_NE(failure.message.find(expected), std::string::npos) << expected << ": " << failure.message;
  }
  EXPECT_EQ(open_bytes(file_of(changed("[2,4]", "[0,4]").replace(good.find("[0,16]"), 6, "[0,0]"), 80)).message, "nothing failed");
}

/// What a file of these rows says when it is opened.
Failure open_rows(const at::Tensor& rows) {
  const test::TemporaryFolder folder;
  LabelMatrix::from_features(Features(Device::open("cpu"), rows), kHash)->write(folder / "labels.safetensors");
  return failure_of([&] { LabelMatrix::open(folder / "labels.safetensors"); });
}

TEST(LabelMatrix, NamesTheRowThatIsNoEmbedding) {
  at::manual_seed(1);
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (int round = 0; round < 200; ++round) {
    const std::int64_t rows = 1 + std::rand() % (round % 10 ? 600 : 3000), dim = 1 + std::rand() % 100, row = std::rand() % rows,
                       column = std::rand() % dim;
    at::Tensor values = random_features(rows, dim).tensor().clone();
    switch (round % 5) {
      case 0: values[row][column] = nan; break;
      case 1: values[row][column] = round % 2 ? infinity : -infinity; break;
      case 2: values[row].zero_(); break;
      case 3: values[row].mul_(round % 2 ? 1.02 : 0.98); break;
      case 4: values[row].mul_(60'000); break;
    }
    const Failure failure = open_rows(values);
    EXPECT_EQ(failure.code, ErrorCode::kLabelsDamaged) << failure.message;
    EXPECT_NE(failure.message.find("row " + std::to_string(row) + " of its 'embeds'"), std::string::npos) << failure.message;
  }
}

TEST(LabelMatrix, TakesRowsThatWereNormalisedInHalfPrecision) {
  at::manual_seed(2);
  for (const at::ScalarType type : {at::kFloat, at::kHalf, at::kBFloat16}) {
    for (const std::int64_t dim : {1, 17, 512, 768, 1024}) {
      const at::Tensor values = at::randn({500, dim}).to(type);
      const Failure failure = open_rows(values / values.norm(2, {1}, /*keepdim=*/true));
      EXPECT_EQ(failure.message, "nothing failed") << type << ' ' << dim;
    }
  }
}

TEST(LabelMatrix, StaysWhatItWasWhenItsFileIsChangedInPlace) {
  const test::TemporaryFolder folder;
  const std::filesystem::path file = folder / "labels.safetensors";
  for (const std::int64_t rows : {3, 5'000}) {
    const Features features = random_features(rows, 64), asked = random_features(2, 64);
    LabelMatrix::from_features(features, kHash)->write(file);
    const auto matrix = LabelMatrix::open(file);
    const TopK before = LabelMatrix::top_k({matrix}, asked, {.k = 3});
    for (const std::uintmax_t size : {std::uintmax_t{100}, std::uintmax_t{0}}) {
      std::filesystem::resize_file(file, size);  // ends a process that has the file mapped and reads on
      const TopK after = LabelMatrix::top_k({matrix}, asked, {.k = 3});
      EXPECT_EQ(after.indices, before.indices);
      EXPECT_EQ(after.similarities, before.similarities);
    }
  }
}

TEST(LabelMatrix, DoesNotWaitForAPipe) {
  const test::TemporaryFolder folder;
  const std::filesystem::path pipe = folder / "labels.safetensors";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(failure_of([&] { LabelMatrix::open(pipe); }).code, ErrorCode::kIo);
}

TEST(LabelMatrix, SurvivesAnyTruncationAndFlippedHeaderByte) {
  const test::TemporaryFolder folder;
  LabelMatrix::from_features(unit_features(3, 4), kHash)->write(folder / "labels.safetensors");
  const std::string good = test::read_file(folder / "labels.safetensors");
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(open_bytes(good.substr(0, size)).code, ErrorCode::kLabelsDamaged) << size;
  for (std::size_t at = 0; at < good.size() - 64 - 24; ++at) {
    std::string bad = good;
    bad[at] ^= 0x15;
    open_bytes(bad);  // an error or a readable file, but no crash
  }
}

TEST(LabelMatrix, SaysWhatItWasBuiltFor) {
  const test::TemporaryFolder folder;
  LabelMatrix::from_features(unit_features(3, 4), kHash)->write(folder / "labels.safetensors");
  const auto open = [&](const std::string& hash, std::int64_t dim) {
    return failure_of([&] { LabelMatrix::open(folder / "labels.safetensors", hash, dim); });
  };
  EXPECT_EQ(open(std::string(64, 'a'), 4).code, ErrorCode::kLabelsMismatch);
  EXPECT_EQ(open(kHash, 5).code, ErrorCode::kLabelsMismatch);
  EXPECT_NE(open(kHash, 5).message.find("4 dimensions"), std::string::npos);
  EXPECT_EQ(failure_of([&] { LabelMatrix::open(folder / "none.safetensors"); }).code, ErrorCode::kIo);
  EXPECT_EQ(failure_of([&] { LabelMatrix::open(folder.path()); }).code, ErrorCode::kIo);
}

TEST(LabelMatrix, RefusesFeaturesOfAnotherModel) {
  const auto matrix = LabelMatrix::from_features(unit_features(3, 4), kHash);
  EXPECT_EQ(failure_of([&] { LabelMatrix::top_k({matrix}, unit_features(1, 5), {}); }).code, ErrorCode::kInvalidArgument);
}

TEST(LabelMatrix, FailsWithAMessageWhereTheFolderCannotBeMade) {
  const test::TemporaryFolder folder;
  test::write_file(folder / "file", "x");
  EXPECT_EQ(failure_of([&] { LabelMatrix::from_features(unit_features(1, 2), kHash)->write(folder / "file/labels.safetensors"); }).code,
            ErrorCode::kIo);
}

TEST(LabelMatrix, JoinsPartsInTheOrderThatIsGiven) {
  const Features all = random_features(300, 17);
  const at::Tensor permutation = at::randperm(300, at::kInt);
  const std::vector<std::int32_t> order(permutation.const_data_ptr<std::int32_t>(), permutation.const_data_ptr<std::int32_t>() + 300);
  const at::Tensor shuffled = all.tensor().index_select(0, permutation);
  const auto part = [&](std::int64_t from, std::int64_t to) {
    return LabelMatrix::from_features(Features(all.device(), shuffled.slice(0, from, to)), std::string(64, '0'));
  };
  const auto joined = LabelMatrix::join({part(0, 100), part(100, 100), part(100, 300)}, order, kHash);
  EXPECT_EQ(joined->hash(), kHash);
  EXPECT_TRUE(at::equal(rows_of(joined), rows_of(LabelMatrix::from_features(all, kHash))));
}

TEST(LabelMatrix, JoinsNothingThatDoesNotFit) {
  const auto matrix = LabelMatrix::from_features(unit_features(2, 3), kHash);
  const auto other = LabelMatrix::from_features(unit_features(1, 4), kHash);
  const auto join = [](const std::vector<std::shared_ptr<LabelMatrix>>& parts, const std::vector<std::int32_t>& order) {
    return failure_of([&] { LabelMatrix::join(parts, order, kHash); }).code;
  };
  EXPECT_EQ(join({}, {}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(join({matrix, other}, {0, 1, 2}), ErrorCode::kInvalidArgument);
  for (const std::vector<std::int32_t>& order : std::vector<std::vector<std::int32_t>>{{}, {0}, {0, 0}, {0, 2}, {-1, 0}, {0, 1, 2}}) {
    EXPECT_EQ(join({matrix}, order), ErrorCode::kInvalidArgument);
  }
}

TEST(LabelMatrix, RanksSeveralAsIfStacked) {
  const Features all = random_features(300, 16);
  const Features feature(all.device(), at::randn({2, 16}));
  const auto part = [&](std::int64_t from, std::int64_t to) {
    return LabelMatrix::from_features(Features(all.device(), all.tensor().slice(0, from, to)), kHash);
  };
  for (const TopKOptions& options : {TopKOptions{.k = 7}, TopKOptions{.k = 30, .reverse = true, .chunk_size = 64}}) {
    const TopK whole = LabelMatrix::top_k({part(0, 300)}, feature, options);
    EXPECT_EQ(LabelMatrix::top_k({part(0, 100), part(100, 100), part(100, 300)}, feature, options).indices, whole.indices);
  }
}

}  // namespace
}  // namespace interrogator
