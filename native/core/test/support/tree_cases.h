// Random trees for tree attention, and what attention over them is.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace interrogator::test {

struct TreeCase {
  at::Tensor q, k, v, prefix_k, prefix_v, ancestors;
  double scale = 0.125;

  /// A random tree: node m hangs from one of the nodes before it, or from the prefix. With `rows` >= 0 only so many of its
  /// nodes, in any order, ask.
  TreeCase(std::int64_t nodes, std::int64_t heads, std::int64_t d, std::int64_t prefix, unsigned seed, std::int64_t rows = -1) {
    at::manual_seed(seed);
    std::mt19937 random(seed);
    k = at::randn({nodes, heads, d}), v = at::randn({nodes, heads, d});
    prefix_k = at::randn({heads, prefix, d}), prefix_v = at::randn({heads, prefix, d});
    std::vector<std::vector<std::int64_t>> paths;
    std::size_t deepest = 1;
    for (std::int64_t m = 0; m < nodes; ++m) {
      const std::int64_t parent = static_cast<std::int64_t>(random() % static_cast<unsigned>(m + 1)) - 1;
      std::vector<std::int64_t> path = parent < 0 ? std::vector<std::int64_t>{} : paths[static_cast<std::size_t>(parent)];
      path.push_back(m);
      deepest = std::max(deepest, path.size());
      paths.push_back(std::move(path));
    }
    std::vector<std::size_t> asking;
    for (std::int64_t row = 0; row < (rows < 0 ? nodes : rows); ++row) {
      asking.push_back(rows < 0 ? static_cast<std::size_t>(row) : random() % static_cast<std::size_t>(nodes));
    }
    q = at::randn({static_cast<std::int64_t>(asking.size()), heads, d});
    ancestors = at::full({q.size(0), static_cast<std::int64_t>(deepest)}, -1, at::kLong);
    for (std::size_t row = 0; row < asking.size(); ++row) {
      const auto& path = paths[asking[row]];
      std::copy(path.begin(), path.end(), ancestors.data_ptr<std::int64_t>() + static_cast<std::int64_t>(row) * ancestors.size(1));
    }
  }

  /// The same tree, asked for these of its rows alone.
  TreeCase only(const at::Tensor& some_rows) const {
    TreeCase some = *this;
    some.q = q.index_select(0, some_rows), some.ancestors = ancestors.index_select(0, some_rows);
    return some;
  }

  /// Row by row, in float64; zeros where a row attends to nothing.
  at::Tensor reference() const {
    const at::Tensor result = at::zeros(q.sizes(), at::kDouble);
    for (std::int64_t m = 0; m < q.size(0); ++m) {
      const at::Tensor path = ancestors[m].masked_select(ancestors[m].ge(0));
      const at::Tensor keys = at::cat({prefix_k, k.index_select(0, path).transpose(0, 1)}, 1).to(at::kDouble);
      const at::Tensor values = at::cat({prefix_v, v.index_select(0, path).transpose(0, 1)}, 1).to(at::kDouble);
      if (keys.size(1) == 0) continue;
      const at::Tensor scores = at::bmm(q[m].unsqueeze(1).to(at::kDouble), keys.transpose(1, 2)) * scale;
      result[m].copy_(at::bmm(scores.softmax(2), values).squeeze(1));
    }
    return result;
  }
};

inline double difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace interrogator::test
