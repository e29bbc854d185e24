#include <ATen/ATen.h>

#include <string>

#include "measure.h"
#include "ops/cosine_top_k.h"
#include "support/simd_sets.h"

namespace interrogator::bench {

namespace {

constexpr const char* kSimdNames[] = {"baseline", "AVX2", "AVX-512"};

}  // namespace

void bench_cosine_top_k(Suite& suite) {
  if (!suite.device()->torch_device().is_cpu()) return;  // measured through LabelMatrix there
  struct Case {
    const char* name;
    std::int64_t rows, dim, batch;
    TopKOptions options;
  };
  const Case cases[] = {
      {"cosine_top_k 101k x 512, k 32, quota", 100970, 512, 1, {.k = 32, .chunk_size = 2048}},
      {"cosine_top_k 107k x 768, k 32, quota", 106790, 768, 1, {.k = 32, .chunk_size = 2048}},
      {"cosine_top_k 107k x 768, k 2048, quota", 106790, 768, 1, {.k = 2048, .chunk_size = 2048}},
      {"cosine_top_k 107k x 768, k 32", 106790, 768, 1, {.k = 32}},
      {"cosine_top_k 107k x 768, k 2048", 106790, 768, 1, {.k = 2048}},
      {"cosine_top_k 107k x 768, k 32, batch 16", 106790, 768, 16, {.k = 32, .chunk_size = 2048}},
  };
  for (const Case& each : cases) {
    if (!suite.wants(each.name)) continue;
    const at::Tensor labels = at::randn({each.rows, each.dim}).to(at::kHalf);
    const at::Tensor features = at::randn({each.batch, each.dim});
    const auto numbers = static_cast<double>(each.rows * each.dim);
    const Work work{.flops = 2 * numbers * static_cast<double>(each.batch), .bytes = 2 * numbers};
    suite.measure(each.name, "ranking", work, [&] { ops::rank({labels}, features, each.options); });
    if (&each != cases) continue;
    for (const ops::SimdSet set : ops::simd_sets_here()) {
      suite.measure(std::string(each.name) + ", " + kSimdNames[static_cast<int>(set)], "ranking", work,
                    [&] { ops::rank({labels}, features, each.options, set); });
    }
  }
}

}  // namespace interrogator::bench
