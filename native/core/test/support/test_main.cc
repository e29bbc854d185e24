#include <gtest/gtest.h>

#include "device/cuda_library.h"
#include "ops/operators.h"

int main(int count, char** arguments) {
  ::testing::InitGoogleTest(&count, arguments);
  // Before anything asks libtorch for an accelerator: it remembers the answer.
  interrogator::keep_cuda_possible();
  interrogator::ops::register_operators();
  return RUN_ALL_TESTS();
}
