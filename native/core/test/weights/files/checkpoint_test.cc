#include "weights/files/checkpoint.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/model_cases.h"
#include "support/python.h"
#include "support/weight_cases.h"

namespace interrogator {
namespace {

using test::Cases;
using test::expect_error;
using test::read_file;
using test::weight_cases_folder;
using test::write_file;

at::Tensor read_all(const StoredTensor& tensor, at::ScalarType type = at::kFloat) {
  return read_rows(tensor, 0, tensor.shape.empty() ? 1 : tensor.shape[0], type);
}

const char* const kNames[] = {"embedding.weight", "block.in_proj_weight", "block.in_proj_bias", "block.conv.weight", "projection", "scale"};

class CheckpointForms : public ::testing::TestWithParam<std::string> {};

TEST_P(CheckpointForms, GivesTheNumbersThatTorchSaved) {
  const auto tensors = open_checkpoint(weight_cases_folder() / GetParam());
  const Cases expected(weight_cases_folder() / "expected.tensors");
  for (const std::string name : kNames) {
    ASSERT_TRUE(tensors.contains(name)) << name;
    EXPECT_EQ(tensors.at(name).type->name, "F32");
    EXPECT_TRUE(at::equal(read_all(tensors.at(name)), expected.at("state/" + name))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, CheckpointForms,
                         ::testing::Values("plain.safetensors", "plain.bin", "protocol4.bin", "strided.bin", "training.pt", "script.pt",
                                           "shards/model.safetensors.index.json", "bin-shards/model.bin.index.json", "huge.bin"));

TEST(Checkpoint, CastsHalvesAsTorchDoes) {
  const Cases expected(weight_cases_folder() / "expected.tensors");
  for (const auto& [form, type] : {std::pair{"half", at::kHalf}, std::pair{"bfloat", at::kBFloat16}}) {
    for (const char* const suffix : {".safetensors", ".bin"}) {
      const auto tensors = open_checkpoint(weight_cases_folder() / (std::string(form) + suffix));
      for (const std::string name : kNames) {
        const at::Tensor halves = expected.at("state/" + name).to(type);
        EXPECT_TRUE(at::equal(read_all(tensors.at(name)), halves.to(at::kFloat))) << form << name;
        EXPECT_TRUE(at::equal(read_all(tensors.at(name), type), halves)) << form << name;
      }
    }
  }
}

TEST(Checkpoint, RoundsToHalvesAsTorchDoes) {
  const auto tensors = open_checkpoint(weight_cases_folder() / "plain.bin");
  const Cases expected(weight_cases_folder() / "expected.tensors");
  for (const at::ScalarType type : {at::kHalf, at::kBFloat16}) {
    EXPECT_TRUE(at::equal(read_all(tensors.at("projection"), type), expected.at("state/projection").to(type)));
  }
}

TEST(Checkpoint, ReadsRows) {
  const Cases expected(weight_cases_folder() / "expected.tensors");
  for (const char* const form : {"plain.safetensors", "strided.bin", "half.bin"}) {
    const auto tensors = open_checkpoint(weight_cases_folder() / form);
    for (const char* const name : {"embedding.weight", "block.conv.weight", "projection"}) {
      const StoredTensor& tensor = tensors.at(name);
      EXPECT_TRUE(at::equal(read_rows(tensor, 3, 9, at::kFloat), read_all(tensor).narrow(0, 3, 6))) << form << name;
      EXPECT_EQ(read_rows(tensor, 4, 4, at::kFloat).numel(), 0);
    }
  }
}

TEST(Checkpoint, ReadsATrainingRunsStateDictAlone) {
  const auto tensors = open_checkpoint(weight_cases_folder() / "training.pt");
  EXPECT_EQ(tensors.size(), std::size(kNames) + 2);
  EXPECT_TRUE(tensors.contains("logit_scale"));
  EXPECT_EQ(tensors.at("num_batches_tracked").type->name, "I64");
}

TEST(Checkpoint, SaysWhatAFileIsInPlaceOfWeights) {
  const test::TemporaryFolder folder;
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "it is empty"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"},
      {"\n<!DOCTYPE html><html>", "web page"},
      {"\xEF\xBB\xBF<HTML>", "web page"},
      {R"({"architectures": ["CLIPModel"]})", "it is JSON, not weights: '{\"architectures\""},
      {"{\"architectures\": [", "cannot be read as weights"},
      {"Entry not found", "it is text, not weights: 'Entry not found'"},
      {std::string("PK\x03\x04", 4) + std::string(100, '\0'), "cut short"},
      {std::string(500, '\xEE'), "it is no checkpoint"},
      {std::string("\x89HDF\r\n\x1A\n", 8) + std::string(100, '\0'), "another format"},
      {std::string(257, '\0') + "ustar" + std::string(250, '\0'), "before PyTorch 1.6"},
      {"\x02", "it is no checkpoint"},
  };
  for (const auto& [bytes, words] : cases) {
    write_file(folder / "file", bytes);
    expect_error("ERR_WEIGHTS_INVALID", {(folder / "file").string(), words}, [&] { open_checkpoint(folder / "file"); });
  }
}

TEST(Checkpoint, NamesAFileThatIsMissing) {
  const test::TemporaryFolder folder;
  expect_error("ERR_IO", {"none.safetensors"}, [&] { open_checkpoint(folder / "none.safetensors"); });
  expect_error("ERR_IO", {"no regular file"}, [&] { open_checkpoint(folder.path()); });
  write_file(folder / "index.json", R"({"weight_map": {"a": "lost.safetensors"}})");
  expect_error("ERR_IO", {"lost.safetensors"}, [&] { open_checkpoint(folder / "index.json"); });
}

TEST(Checkpoint, RefusesAnIndexThatLeadsElsewhere) {
  const test::TemporaryFolder folder;
  for (const std::string name : {"../x", "/etc/passwd", "a/b", "..", "", "a\\\\b"}) {
    write_file(folder / "index.json", R"({"weight_map": {"a": ")" + name + R"("}})");
    expect_error("ERR_WEIGHTS_INVALID", {"does not lie beside it"}, [&] { open_checkpoint(folder / "index.json"); });
  }
  write_file(folder / "index.json", R"({"weight_map": {"a": "index.json"}})");  // itself
  expect_error("ERR_WEIGHTS_INVALID", {"index.json"}, [&] { open_checkpoint(folder / "index.json"); });
  write_file(folder / "index.json", R"({"weight_map": {"a": 1}})");
  expect_error("ERR_WEIGHTS_INVALID", {"names no file for 'a'"}, [&] { open_checkpoint(folder / "index.json"); });
  write_file(folder / "shard", read_file(weight_cases_folder() / "plain.safetensors"));
  write_file(folder / "index.json", R"({"weight_map": {"a": "shard"}})");
  expect_error("ERR_WEIGHTS_INVALID", {"it names 'a' in 'shard', which does not have it"}, [&] { open_checkpoint(folder / "index.json"); });
}

TEST(Checkpoint, RefusesPicklesThatHoldMoreThanTensors) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"evil.bin", "'posix.system', which was not run"},
      {"eval.bin", "'builtins.eval'"},
      {"getattr.bin", "'builtins.getattr'"},
      {"whole.bin", "torch.save(model.state_dict(), FILE)"},
      {"list.bin", "no dictionary of tensors"},
      {"legacy.bin", "before PyTorch 1.6"},
      {"deflated.bin", "compressed or encrypted"},
      {"other.zip", "none of PyTorch's"},
      {"circle.bin", "nested more than 64 deep"},
      {"bomb.bin", "more than 200000 entries"},
  };
  for (const auto& [file, words] : cases) {
    expect_error("ERR_WEIGHTS_INVALID", {file, words}, [&, name = file] { open_checkpoint(weight_cases_folder() / name); });
  }
  EXPECT_FALSE(std::filesystem::exists("/tmp/torch-interrogator-was-here"));
}

TEST(Checkpoint, NoticesWhereAFileWasCut) {
  const test::TemporaryFolder folder;
  for (const char* const form : {"plain.safetensors", "plain.bin"}) {
    const std::string whole = read_file(weight_cases_folder() / form);
    for (std::size_t size = 1; size < whole.size(); size += 1 + whole.size() / 97) {
      write_file(folder / "cut", whole.substr(0, size));
      expect_error("ERR_WEIGHTS_INVALID", {"cut"}, [&] { open_checkpoint(folder / "cut"); });
    }
  }
}

TEST(Checkpoint, NoticesWhereAFileIsCutAfterItWasOpened) {
  const test::TemporaryFolder folder;
  write_file(folder / "file", read_file(weight_cases_folder() / "plain.bin"));
  const auto tensors = open_checkpoint(folder / "file");
  std::filesystem::resize_file(folder / "file", 1500);
  EXPECT_THROW(read_all(tensors.at("embedding.weight")), std::runtime_error);
}

class SafetensorsHeader : public ::testing::Test {
 protected:
  /// A file of this header and `data` zeros.
  void write(const std::string& json, std::size_t data) {
    std::string bytes;
    for (std::size_t i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(json.size() >> (8 * i)));
    write_file(folder_ / "file", bytes + json + std::string(data, '\0'));
  }
  void expect_refusal(const std::string& json, std::size_t data, const std::string& words) {
    write(json, data);
    expect_error("ERR_WEIGHTS_INVALID", {words, "get it again"}, [&] { open_checkpoint(folder_ / "file"); });
  }

  test::TemporaryFolder folder_;
};

TEST_F(SafetensorsHeader, MustCoverItsDataOnce) {
  const std::string a = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  expect_refusal(a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "overlap at byte 4");
  expect_refusal(a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})", 16, "leaves out the bytes 8 to 12");
  expect_refusal(a + "}", 9, "1 bytes more than its header says");
  expect_refusal(a + "}", 7, "cut short");
}

TEST_F(SafetensorsHeader, MayBeOfAnySize) {
  const std::string bytes = read_file(weight_cases_folder() / "plain.safetensors");
  const std::size_t size = static_cast<unsigned char>(bytes[0]) + 256 * static_cast<unsigned char>(bytes[1]);
  for (const std::size_t padded : {0x280, 0x480, 0x580, 0x2020, 0x4B50}) {  // a pickle's first bytes, two blanks, "PK"
    std::string changed = bytes.substr(8);
    changed.insert(size, padded - size, ' ');
    write_file(folder_ / "file", std::string{static_cast<char>(padded), static_cast<char>(padded >> 8)} + std::string(6, '\0') + changed);
    EXPECT_EQ(open_checkpoint(folder_ / "file").size(), std::size(kNames)) << padded;
  }
}

TEST_F(SafetensorsHeader, MayBeAsLargeAsTheFormatAllows) {
  const auto of = [](std::size_t metadata) {
    return R"({"__metadata__":{"notes":")" + std::string(metadata, 'x') + R"("},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  };
  write(of(17'000'000), 4);
  EXPECT_EQ(open_checkpoint(folder_ / "file").size(), 1);
  expect_refusal(of(100'000'000), 4, "its header would be 1000000");
}

TEST_F(SafetensorsHeader, MustDescribeTensors) {
  const auto tensor = [](const std::string& fields) { return "{\"a\":{" + fields + "}}"; };
  expect_refusal(tensor(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"), 4, "absurd");
  expect_refusal(tensor(R"("dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0])"), 0, "absurd");
  expect_refusal(tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])"), 4, "no usable");
  expect_refusal(tensor(R"("dtype":"F32","shape":[1.5],"data_offsets":[0,4])"), 4, "no usable");
  expect_refusal(tensor(R"("dtype":"F32","shape":[3],"data_offsets":[0,4])"), 4, "do not fit its shape");
  expect_refusal(tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])"), 4, "no usable");
  expect_refusal(tensor(R"("dtype":"Q4","shape":[1],"data_offsets":[0,4])"), 4, "type 'Q4'");
  expect_refusal(tensor(R"("dtype":1,"shape":[1],"data_offsets":[0,4])"), 4, "type ''");
  expect_refusal(tensor(R"("shape":[1])"), 4, "no data_offsets");
  expect_refusal(R"({"a":[]})", 4, "no data_offsets");
  expect_refusal("{", 4, "no JSON");
}

TEST_F(SafetensorsHeader, TakesLittleMemory) {
  const double before = test::resident_memory();
  std::string many = "{\"__metadata__\":[";
  while (many.size() < (15 << 20)) many += "[],[],[],[],[],[],[],[],";
  expect_refusal(many + "0]}", 0, "more than 1000000 values");
  EXPECT_LT(test::resident_memory() - before, 200);
}

}  // namespace
}  // namespace interrogator
