#include <gtest/gtest.h>

#include "ops/tree_attention.h"

int main(int count, char** arguments) {
  ::testing::InitGoogleTest(&count, arguments);
  interrogator::ops::register_operators();
  return RUN_ALL_TESTS();
}
