#include "weights/json.h"

#include <gtest/gtest.h>

namespace interrogator {
namespace {

TEST(Json, ReadsEveryKindOfValue) {
  const Json json = Json::parse(R"( {"a": [1, -2.5e1, true, false, null], "b": {"c": "x"}, "d": 9007199254740992} )");
  const Json::Array& items = *json.find("a")->array();
  std::int64_t whole = 0;
  EXPECT_TRUE(items[0].integer(whole));
  EXPECT_EQ(whole, 1);
  EXPECT_EQ(*items[1].number(), -25.0);
  EXPECT_TRUE(*items[2].boolean());
  EXPECT_FALSE(*items[3].boolean());
  EXPECT_TRUE(items[4].is_null());
  EXPECT_EQ(*json.find("b")->find("c")->string(), "x");
  EXPECT_TRUE(json.find("d")->integer(whole));
  EXPECT_EQ(json.find("e"), nullptr);
  EXPECT_EQ(json.find("a")->find("b"), nullptr);
}

TEST(Json, TakesOnlyWholeNumbersForIntegers) {
  std::int64_t whole = 0;
  EXPECT_FALSE(Json::parse("1.5").integer(whole));
  EXPECT_FALSE(Json::parse("1e300").integer(whole));
  EXPECT_FALSE(Json::parse("\"1\"").integer(whole));
  EXPECT_TRUE(Json::parse("-2e2").integer(whole));
  EXPECT_EQ(whole, -200);
}

TEST(Json, UnescapesStrings) {
  EXPECT_EQ(*Json::parse(R"("\"\\\/\b\f\n\r\t\u0041\u00fc\u20ac\ud83d\ude00 ü")").string(), "\"\\/\b\f\n\r\tAü€😀 ü");
}

TEST(Json, RefusesWhatIsNoJson) {
  for (const char* const text : {"",
                                 " ",
                                 "{",
                                 "[1",
                                 "[1,]",
                                 "{\"a\":}",
                                 "{\"a\" 1}",
                                 "{a: 1}",
                                 "{\"a\":1,\"a\":2}",
                                 "01",
                                 "-",
                                 "1.",
                                 ".5",
                                 "1e",
                                 "+1",
                                 "nul",
                                 "tru",
                                 "NaN",
                                 "\"",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\ud800\"",
                                 "\"\\udc00\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\n\"",
                                 "1 2",
                                 "1e999"}) {
    EXPECT_THROW(Json::parse(text), JsonError) << text;
  }
  EXPECT_THROW(Json::parse(std::string(1'000'000, '[')), JsonError);
}

}  // namespace
}  // namespace interrogator
