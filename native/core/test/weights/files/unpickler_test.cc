#include "weights/files/unpickler.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "support/model_cases.h"

namespace interrogator {
namespace {

using namespace std::string_literals;
using Kind = PickleValue::Kind;

const std::string kStart = "\x80\x02";

void expect_refusal(const std::string& opcodes, const std::string& words) {
  try {
    read_pickle(kStart + opcodes, false);
    ADD_FAILURE() << "it was read, expected: " << words;
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << words << " in: " << error.what();
  }
}

TEST(Unpickler, ReadsNumbersOfEveryWidth) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"K\xFF"s, 255},
      {"M\xFF\xFF"s, 65535},
      {"J\xFE\xFF\xFF\xFF"s, -2},
      {"\x8A\x01\xFF"s, -1},
      {"\x8A\x00"s, 0},
      {"\x8A\x05\x00\x00\x00\x00\x01"s, 1LL << 32},
      {"\x8A\x02\x00\x80"s, -32768},
      {"\x8A\x08\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F"s, std::numeric_limits<std::int64_t>::max()},
  };
  for (const auto& [opcodes, expected] : cases) {
    const Pickle pickle = read_pickle(kStart + opcodes + ".", false);
    EXPECT_EQ(pickle.root.kind, Kind::kInteger);
    EXPECT_EQ(pickle.root.number, expected);
  }
  EXPECT_EQ(read_pickle(kStart + "\x8A\x0A" + std::string(10, '\x7F') + ".", false).root.kind, Kind::kIgnored);
}

TEST(Unpickler, RefusesWhatNamesCode) {
  expect_refusal("cos\nsystem\n(X\x02\0\0\0lstR."s, "'os.system'");
  expect_refusal("cbuiltins\neval\n."s, "'builtins.eval'");
  expect_refusal("(S'ls'\nios\nsystem\n."s, "instruction 83");  // S, before the INST
  expect_refusal("(ios\nsystem\n."s, "'os.system'");
  expect_refusal("(cos\nsystem\no."s, "'os.system'");
  expect_refusal("\x8C\x02os\x8C\x06system\x93."s, "'os.system'");
  expect_refusal("X\x02\0\0\0osh\0\x93."s, "a value that is not there");
  expect_refusal("\x82\x01."s, "instruction 130");  // EXT1
  expect_refusal("Pid\n."s, "instruction 80");      // PERSID
  expect_refusal("c__torch__.Model\nA\n."s, "'__torch__.Model.A'");
  expect_refusal("ctorch\nload\n."s, "'torch.load'");
  expect_refusal("ctorch._utils\n_rebuild_tensor_v2.__globals__\n."s, "__globals__");
  expect_refusal("ctorch\nFloatStorage\n)R."s, "a type is called");
  expect_refusal("ctorch\nFloatStorage\n)\x81."s, "no class");
}

TEST(Unpickler, RefusesWhatIsDamaged) {
  for (const std::string& opcodes : {""s,
                                     "."s,
                                     "K"s,
                                     "X\xFF\xFF\xFF\xFF."s,
                                     "\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF."s,
                                     "(."s,
                                     "t."s,
                                     "\x85."s,
                                     "(\x86."s,
                                     "a."s,
                                     "]a."s,
                                     "](K\x01u."s,
                                     "}(K\x01u."s,
                                     "}K\x01K\x02K\x03s."s,
                                     "K\x01K\x02"s
                                     "b."s,
                                     "R."s,
                                     ")K\x01R."s,
                                     "h\x07."s,
                                     "0."s,
                                     "1."s,
                                     "2."s,
                                     "cos"s,
                                     "cos\nsystem"s,
                                     "K\x01Q."s,
                                     ")Q."s,
                                     "q\x01."s,
                                     "(K\x01h\x00"s}) {
    EXPECT_THROW(read_pickle(kStart + opcodes, false), std::runtime_error) << ::testing::PrintToString(opcodes);
  }
  EXPECT_THROW(read_pickle("\x80\x01N.", false), std::runtime_error);
  EXPECT_THROW(read_pickle("\x80\x06N.", false), std::runtime_error);
}

/// A tensor over a storage of ten numbers.
std::string tensor(const std::string& offset, const std::string& shape, const std::string& strides) {
  std::string opcodes = "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0000X\x03\0\0\0cpuK\x0AtQ"s;
  for (const std::string& each : {offset, shape, strides}) opcodes += each;
  return opcodes + "\x89" + "ccollections\nOrderedDict\n)RtR.";
}

TEST(Unpickler, ReadsATensorsPlace) {
  const Pickle pickle = read_pickle(kStart + tensor("K\x01", "K\x02K\x03\x86", "K\x03K\x01\x86"), false);
  ASSERT_EQ(pickle.root.kind, Kind::kTensor);
  const PickledTensor& read = pickle.tensors[pickle.root.index];
  EXPECT_EQ(read.offset, 1);
  EXPECT_EQ(read.shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(read.strides, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(pickle.text(pickle.storages[read.storage].key), "0");
  EXPECT_EQ(pickle.storages[read.storage].elements, 10);
  expect_refusal(tensor("J\xFF\xFF\xFF\xFF", "K\x02\x85", "K\x01\x85"), "do not belong together");
  expect_refusal(tensor("K\x00"s, "K\x02\x85", "K\x01K\x01\x86"), "do not belong together");
  expect_refusal(tensor("N", "K\x02\x85", "K\x01\x85"), "in another way");
  expect_refusal(tensor("K\x00"s, "N\x85", "K\x01\x85"), "no");
  expect_refusal(tensor("K\x00"s, "(" + std::string(40, 'N') + "t", "K\x01\x85"), "no");
}

/// What every opcode that makes something can make of 8 MB.
TEST(Unpickler, TakesBoundedMemory) {
  const double before = test::resident_memory();
  for (const std::string& unit : {"]"s, "}"s, ")"s, "N"s, "("s, "2"s, "h\0"s, "\x94"s, "ccollections\nOrderedDict\n"s, "]\x85"s}) {
    std::string opcodes = kStart + "]q\0"s;
    while (opcodes.size() < (8 << 20)) opcodes += unit;
    EXPECT_THROW(read_pickle(std::move(opcodes), false), std::runtime_error) << unit;
  }
  // A dictionary of a thousand pairs, copied over and over.
  std::string opcodes = kStart + "("s;
  for (int i = 0; i < 1000; ++i) opcodes += "NN\x86";
  opcodes += "lq\0ccollections\nOrderedDict\nq\1"s;
  for (int i = 0; i < 100'000; ++i) opcodes += "h\1h\0\x85R0"s;
  EXPECT_THROW(read_pickle(opcodes, false), std::runtime_error);
  EXPECT_LT(test::resident_memory() - before, 300);
}

TEST(Unpickler, GoesAsDeepAsAPickleDoes) {
  std::string opcodes = kStart;
  for (int i = 0; i < 500'000; ++i) opcodes += ']';
  for (int i = 1; i < 500'000; ++i) opcodes += 'a';
  EXPECT_EQ(read_pickle(opcodes + ".", false).root.kind, Kind::kList);
}

}  // namespace
}  // namespace interrogator
