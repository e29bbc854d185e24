// Where a model is read from, and what the core reads of its manifest. See docs/bundle-format.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "interrogator/image_preprocess.h"

namespace interrogator {

/// Untrained weights, the same for the same seed.
struct RandomSeed {
  std::uint64_t seed = 0;
};

/// A graph, and the file of weights that its publisher made, or random ones.
struct GraphSource {
  std::string graph;  ///< the graph file's bytes, not compressed
  /// A file is safetensors, an index of shards, a PyTorch checkpoint, OpenAI's archive: told apart by content.
  std::variant<std::filesystem::path, RandomSeed> weights;
};

/// A bundle folder, whose modules hold their weights; or a graph and its weights.
using BundleSource = std::variant<std::filesystem::path, GraphSource>;

struct ClipManifest {
  std::string name;
  std::int64_t embed_dim = 0;
  ImagePreprocess image;
  std::string image_file, text_file;
  std::string text_tower;  ///< 'causal' | 'bidirectional'
  std::int64_t context_length = 0, vocab_size = 0, layers = 0, heads = 0;
  std::optional<std::int64_t> sot_id;  ///< none: texts begin with their first token. Causal towers have one.
  std::int64_t eot_id = 0;
};

/// A model's logit of an image and a text is scale × cosine similarity + bias. What its weights do not have is not there: models with a
/// bias were trained with a sigmoid for each pair, others with a softmax over texts.
struct Logits {
  std::optional<double> scale, bias;
};

struct CaptionManifest {
  std::string name;
  ImagePreprocess image;
  std::string vision_file, decoder_file;
  std::int64_t vocab_size = 0, layers = 0, heads = 0, head_dim = 0, max_positions = 0;
  std::int64_t eos_id = 0;
  std::vector<std::int64_t> prompt_ids;        ///< what decoding starts from, bos included
  std::vector<std::int64_t> prefix_ids;        ///< what stands for the image in front of them, where transformers counts it
  std::optional<std::int64_t> encoder_end_id;  ///< where a text to go on from is the encoder's: what ends it
};

/// What a model reads of a file of weights.
struct WeightsSummary {
  std::int64_t tensors = 0, parameters = 0;
  std::string dtype;        ///< of most parameters: 'float32' | 'float16' | 'bfloat16'
  std::uint64_t bytes = 0;  ///< of these tensors in the file
};

/// Whether a graph and a file of weights fit: names, shapes and types alone are looked at. Throws as opening would: kWeightsInvalid, kIo,
/// kBundleInvalid.
WeightsSummary check_weights(const std::string& graph, const std::filesystem::path& weights);

}  // namespace interrogator
