// Operators of libtorch called image by image, and functions of single numbers: the same as libtorch's, and the same in any company.
#include "ops/independent/slices.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "ops/independent/convolution.h"
#include "ops/independent/elementwise.h"

namespace interrogator::ops {
namespace {

using Function = std::function<at::Tensor(const at::Tensor&)>;

/// As many threads as there may be, and then as many as there were.
class Threads {
 public:
  explicit Threads(int count) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }

 private:
  const int before_ = at::get_num_threads();
};

/// Of images along `dim`, with one, two and three threads.
void expect_the_same_alone(const Function& function, const at::Tensor& images, std::int64_t dim = 0) {
  for (const int threads : {1, 2, 3}) {
    const Threads set(threads);
    const at::Tensor together = function(images);
    for (std::int64_t i = 0; i < images.size(dim); ++i) {
      ASSERT_TRUE(at::equal(function(images.narrow(dim, i, 1).clone()), together.narrow(dim, i, 1))) << i << " with " << threads;
    }
  }
}

TEST(Convolution, IsLibtorchsAndTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(1);
  struct Case {
    std::int64_t channels, side, outputs, kernel, stride, groups;
  };
  // Small ones, some of which libtorch computes another way in batches, one that gets all threads, one of each channel for itself.
  for (const Case& c :
       {Case{3, 32, 8, 3, 2, 1}, {32, 16, 32, 3, 1, 1}, {128, 4, 128, 3, 1, 1}, {64, 28, 128, 3, 1, 1}, {48, 14, 48, 7, 1, 48}}) {
    const at::Tensor weight = at::randn({c.outputs, c.channels / c.groups, c.kernel, c.kernel}), bias = at::randn({c.outputs});
    const at::Tensor images = at::randn({5, c.channels, c.side, c.side});
    const std::vector<std::int64_t> stride{c.stride, c.stride}, padding{c.kernel / 2}, dilation{1, 1};
    const Function ours = [&](const at::Tensor& x) { return ops::conv2d(x, weight, bias, stride, padding, dilation, c.groups); };
    for (const at::Tensor& x : {images, images.contiguous(at::MemoryFormat::ChannelsLast)}) {
      EXPECT_TRUE(at::allclose(ours(x), at::conv2d(x, weight, bias, stride, padding, dilation, c.groups), 1e-4, 1e-4));
      expect_the_same_alone(ours, x);
    }
  }
  EXPECT_EQ(ops::conv2d(at::randn({0, 3, 8, 8}), at::randn({4, 3, 3, 3}), {}, {1, 1}, {0, 0}, {1, 1}, 1).sizes(),
            at::IntArrayRef({0, 4, 6, 6}));
}

TEST(Mean, IsLibtorchsAndTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(2);
  const at::Tensor tokens = at::randn({5, 64, 33}), maps = at::randn({5, 33, 7, 7});
  const auto over = [](std::vector<std::int64_t> dims, bool keep) {
    return [=](const at::Tensor& x) { return ops::mean(x, at::IntArrayRef(dims), keep, {}); };
  };
  for (const bool keep : {false, true}) {
    for (const std::vector<std::int64_t>& dims : std::vector<std::vector<std::int64_t>>{{1}, {-1}, {1, 2}}) {
      EXPECT_TRUE(at::allclose(over(dims, keep)(tokens), at::mean(tokens, dims, keep), 1e-5, 1e-6));
      expect_the_same_alone(over(dims, keep), tokens);
    }
    expect_the_same_alone(over({2, 3}, keep), maps);
  }
  // Tokens first, images second.
  expect_the_same_alone(over({0}, true), tokens.transpose(0, 1).contiguous(), 1);
  EXPECT_TRUE(at::equal(over({0}, false)(tokens), over({0}, true)(tokens)[0]));
  EXPECT_TRUE(at::allclose(ops::mean(tokens, std::nullopt, false, {}), tokens.mean()));
  EXPECT_EQ(ops::mean(at::tensor(2.0F), std::nullopt, false, {}).item<float>(), 2);
  expect_the_same_alone([](const at::Tensor& x) { return ops::adaptive_avg_pool2d(x, {1, 1}); }, maps);
  EXPECT_TRUE(at::allclose(ops::adaptive_avg_pool2d(maps, {3, 3}), at::adaptive_avg_pool2d(maps, {3, 3})));
}

TEST(Matmul, OfBatchesIsLibtorchsAndTheSameToTheLastBitInAnyCompany) {
  at::manual_seed(3);
  const at::Tensor a = at::randn({5, 3, 17, 20}), b = at::randn({5, 3, 20, 9});
  EXPECT_TRUE(at::allclose(ops::matmul(a, b), at::matmul(a, b), 1e-4, 1e-5));
  EXPECT_TRUE(at::allclose(ops::matmul(a.transpose(0, 1), b.transpose(0, 1)), at::matmul(a, b).transpose(0, 1), 1e-4, 1e-5));
  const at::Tensor both = at::cat({a, b.transpose(2, 3)}, 2);
  expect_the_same_alone([](const at::Tensor& x) { return ops::matmul(x.narrow(2, 0, 17), x.narrow(2, 17, 9).transpose(2, 3)); }, both);
  EXPECT_TRUE(at::equal(ops::matmul(a, b[0][0]), at::matmul(a, b[0][0])));
}

TEST(Elementwise, IsLibtorchsAndTheSameToTheLastBitWhereverANumberLies) {
  at::manual_seed(4);
  const std::vector<std::pair<Function, Function>> functions = {
      {[](const at::Tensor& x) { return ops::gelu(x, "none"); }, [](const at::Tensor& x) { return at::gelu(x); }},
      {[](const at::Tensor& x) { return ops::gelu(x, "tanh"); }, [](const at::Tensor& x) { return at::gelu(x, "tanh"); }},
      {[](const at::Tensor& x) { return ops::sigmoid(x); }, [](const at::Tensor& x) { return at::sigmoid(x); }},
      {[](const at::Tensor& x) { return ops::silu(x); }, [](const at::Tensor& x) { return at::silu(x); }},
      {[](const at::Tensor& x) { return ops::tanh(x); }, [](const at::Tensor& x) { return at::tanh(x); }},
  };
  for (const auto& [ours, theirs] : functions) {
    for (const std::vector<std::int64_t>& sizes : std::vector<std::vector<std::int64_t>>{{0, 5}, {1, 3}, {5, 257, 141}, {3, 64, 768}}) {
      const at::Tensor x = at::randn(sizes);
      EXPECT_TRUE(at::allclose(ours(x), theirs(x), 1e-5, 1e-6));
      EXPECT_TRUE(at::equal(ours(x.transpose(0, 1)), ours(x).transpose(0, 1)));
      expect_the_same_alone(ours, x);
    }
    const at::Tensor gaps = at::randn({40, 40}).narrow(1, 3, 30);
    EXPECT_TRUE(at::equal(ours(gaps), ours(gaps.contiguous())));
  }
}

TEST(Elementwise, InPlaceWritesWhatItReads) {
  const at::Tensor x = at::randn({50, 70});
  for (const at::Tensor& from : {x, x.t(), x.narrow(1, 3, 60)}) {
    at::Tensor one = from.clone(at::MemoryFormat::Preserve), other = from.clone(at::MemoryFormat::Preserve);
    ops::sigmoid_(one);
    ops::silu_(other);
    EXPECT_TRUE(at::equal(one, ops::sigmoid(from)));
    EXPECT_TRUE(at::equal(other, ops::silu(from)));
  }
  at::Tensor whole = at::zeros({20, 20}), part = whole.narrow(1, 5, 3);
  ops::sigmoid_(part);
  EXPECT_EQ(whole.sum().item<float>(), 30);
}

}  // namespace
}  // namespace interrogator::ops
