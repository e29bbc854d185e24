#include "ops/embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "ops/packed_weights.h"

namespace interrogator::ops {
namespace {

TEST(Embedding, OfAPackedWeightIsThePlainOne) {
  at::manual_seed(6);
  const at::Tensor weight = at::randn({77, 13}), ids = at::randint(0, 77, {3, 5}, at::kLong);
  const at::Tensor packed = pack_weight(weight, true);
  EXPECT_TRUE(at::equal(ops::embedding(packed, ids), at::embedding(weight, ids)));
  EXPECT_TRUE(at::equal(ops::embedding(packed, ids.t()), at::embedding(weight, ids.t())));
  EXPECT_TRUE(at::equal(ops::embedding(packed, ids.to(at::kInt)), at::embedding(weight, ids)));
  EXPECT_TRUE(at::equal(ops::embedding(weight, ids), at::embedding(weight, ids)));
  EXPECT_EQ(ops::embedding(packed, ids.narrow(0, 0, 0)).sizes(), at::IntArrayRef({0, 5, 13}));
  for (const std::int64_t bad : {-1, 1000}) EXPECT_THROW(ops::embedding(packed, at::full({1}, bad, at::kLong)), c10::Error);
}

}  // namespace
}  // namespace interrogator::ops
