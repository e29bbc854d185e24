#include <ATen/ATen.h>

#include <cstdio>
#include <random>

#include "interrogator/caption_model.h"
#include "interrogator/clip_model.h"
#include "interrogator/label_matrix.h"
#include "interrogator/prompt_tree.h"
#include "measure.h"
#include "support/calls.h"

namespace interrogator::bench {

namespace {

constexpr std::int64_t kSide = 512;

/// Noise: what a model makes of it does not change the work.
struct Image {
  at::Tensor pixels = at::randint(0, 256, {kSide, kSide, 3}, at::kByte);
  ImageView view() const { return {pixels.const_data_ptr<std::uint8_t>(), kSide, kSide}; }
};

/// Phrases without common beginnings but for chance, of 3 tokens on average, as flavors have.
TokenLists phrases(std::size_t count, std::int64_t vocab_size) {
  std::mt19937 random(1);
  TokenLists texts;
  texts.offsets.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t length = 1 + random() % 5;
    for (std::size_t j = 0; j < length; ++j)
      texts.ids.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(vocab_size - 8)));
    texts.offsets.push_back(static_cast<std::int32_t>(texts.ids.size()));
  }
  return texts;
}

/// A transformer's block for one row but its attention to others: queries, keys, values, output, and an MLP four times
/// as wide.
double block_flops(std::int64_t width) { return 2.0 * 12 * static_cast<double>(width * width); }

void bench_clip(Suite& suite) {
  std::shared_ptr<ClipModel> model;
  Features image = Features::from_array(suite.device(), {1}, 1, 1);
  const std::vector<Image> images(32);
  std::vector<ImageView> views;
  for (const Image& image : images) views.push_back(image.view());
  test::on(suite.device(), [&] {
    model = ClipModel::open(suite.device(), suite.options().clip);
    image = test::image_features(model, {views[0]});
  });
  const ClipManifest& manifest = model->manifest();
  for (const std::size_t count : {1U, 32U}) {
    const std::vector<ImageView> some(views.begin(), views.begin() + static_cast<std::ptrdiff_t>(count));
    suite.measure("image_features, " + std::to_string(count), "batch", {}, [&] { test::image_features(model, some); });
  }
  // The published text towers are as wide as their embeddings.
  const double node_flops = static_cast<double>(manifest.layers) * block_flops(manifest.embed_dim);
  const TokenLists thousand = phrases(1000, manifest.vocab_size), candidates = phrases(2014, manifest.vocab_size);
  const auto nodes = [](const TokenLists& texts) { return static_cast<double>(texts.ids.size() + texts.count()); };
  suite.measure("text_features, 1000", "1000 texts", {.flops = node_flops * nodes(thousand)},
                [&] { test::text_features(*model, {}, thousand); });
  const PromptTree tree(model, candidates);
  const std::vector<std::int32_t> prompt(20, 320);
  suite.measure("chain step, 2014 candidates", "step", {.flops = node_flops * nodes(candidates)},
                [&] { test::best(tree, prompt, image, {}); });

  constexpr std::int64_t kLabels = 106790;
  std::shared_ptr<LabelMatrix> labels;
  test::on(suite.device(), [&] {
    labels = LabelMatrix::from_features(Features(suite.device(), at::randn({kLabels, manifest.embed_dim})), std::string(64, '0'));
  });
  suite.measure("LabelMatrix::top_k, 107k labels, k 32", "ranking", {.bytes = 2.0 * static_cast<double>(kLabels * manifest.embed_dim)},
                [&] { LabelMatrix::top_k({labels}, image, {.k = 32, .chunk_size = 2048}); });
  test::on(suite.device(), [&] { model.reset(), labels.reset(); });
}

void bench_caption(Suite& suite) {
  std::shared_ptr<CaptionModel> model;
  const std::vector<Image> images(16);
  std::vector<ImageView> views;
  for (const Image& image : images) views.push_back(image.view());
  test::on(suite.device(), [&] { model = CaptionModel::open(suite.device(), suite.options().caption); });
  // Nearly all of it is the vision tower, and the image's keys and values.
  suite.measure("caption of 1 token", "image", {}, [&] { test::generate(model, {views[0]}, {.max_tokens = 1}); });
  for (const std::size_t count : {1U, 8U, 16U}) {
    const std::vector<ImageView> some(views.begin(), views.begin() + static_cast<std::ptrdiff_t>(count));
    suite.measure("captions, " + std::to_string(count), "batch", {}, [&] { test::generate(model, some, {.max_tokens = 32}); });
  }
  test::on(suite.device(), [&] {
    const DraftCounts& drafts = model->draft_counts();
    if (drafts.drafted > 0) std::printf("drafted tokens: %.1f %% accepted\n", 100.0 * double(drafts.accepted) / double(drafts.drafted));
    model.reset();
  });
}

}  // namespace

void bench_models(Suite& suite) {
  if (!suite.options().clip.empty()) bench_clip(suite);
  if (!suite.options().caption.empty()) bench_caption(suite);
}

}  // namespace interrogator::bench
