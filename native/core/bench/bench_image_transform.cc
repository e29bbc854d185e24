#include <ATen/ATen.h>

#include <algorithm>

#include "measure.h"
#include "ops/image_transform.h"

namespace interrogator::bench {

void bench_image_transform(Suite& suite) {
  if (!suite.device()->torch_device().is_cpu()) return;
  const ImagePreprocess clip{224, 224, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}, "bicubic", "shortest"};
  const ImagePreprocess blip{384, 384, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}, "bicubic", "squash"};
  struct Case {
    const char* name;
    std::int64_t side;
    ImagePreprocess preprocess;
  };
  const Case cases[] = {
      {"image_transform 512 to 224", 512, clip}, {"image_transform 2048 to 224", 2048, clip}, {"image_transform 512 to 384", 512, blip}};
  for (const Case& each : cases) {
    if (!suite.wants(each.name)) continue;
    const at::Tensor pixels = at::randint(0, 256, {each.side, each.side, 3}, at::kByte);
    const ImageView image{pixels.const_data_ptr<std::uint8_t>(), each.side, each.side};
    const auto from = static_cast<double>(each.side), to = static_cast<double>(each.preprocess.width);
    const double taps = 4 * std::max(from / to, 1.0);  // bicubic: two input pixels each way, stretched where it shrinks
    suite.measure(each.name, "image", {.flops = 2 * 3 * taps * (from * to + to * to), .bytes = 3 * from * from + 12 * to * to},
                  [&] { ops::image_transform(image, each.preprocess); });
  }
}

}  // namespace interrogator::bench
