// text.pt: many texts into unit features through the tree of their prefixes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/clip_model.h"
#include "module.h"
#include "prefix_tree.h"

namespace interrogator {

/// Rows of some of the texts: row i is the feature of the text at texts[i] in the caller's choice.
struct TextRows {
  std::vector<std::int64_t> texts;
  at::Tensor features;  ///< float32 [texts.size(), embed_dim], unit rows, on the device
};

class TextTower;

/// Texts on their way through a tower, some blocks of their tree at a time; others may use the tower and
/// its device in between. The tower outlives it.
class TextEncoding {
 public:
  bool finished() const noexcept { return next_ == blocks_->count(); }
  /// Encodes the next blocks, on the CPU one a thread. Every text is in exactly one.
  TextRows advance();

 private:
  friend class TextTower;
  TextEncoding(const TextTower& tower, const std::vector<std::int64_t>& prefix, std::shared_ptr<const TextBlocks> blocks);

  const TextTower* tower_;
  std::shared_ptr<const TextBlocks> blocks_;
  std::vector<at::Tensor> prefilled_;
  std::size_t next_ = 0;
};

class TextTower {
 public:
  /// Throws kBundleInvalid where the module does not do what the manifest says.
  TextTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device);

  /// Throws kInvalidArgument unless every id is in the vocabulary.
  void check(const std::vector<std::int32_t>& prefix) const;
  void check(const TokenLists& texts) const;

  CutPrefix cut(const std::vector<std::int32_t>& prefix) const;
  /// texts[chosen[i]] for every i, as they follow a prefix that leaves this room. Expects checked ids.
  TextBlocks blocks(const TokenLists& texts, const std::vector<std::int32_t>& chosen, std::int64_t room) const;
  /// Begins to encode prefix + text + [end] for every text; row i is text i of `blocks`, which are for the prefix's
  /// room. Equal texts get equal rows to the last bit.
  TextEncoding begin(const CutPrefix& prefix, std::shared_ptr<const TextBlocks> blocks) const;

  void move_to(c10::Device device) { module_.move_to(device); }

 private:
  friend class TextEncoding;
  void probe() const;
  at::Tensor extend(const std::vector<at::Tensor>& prefilled, const TextBlock& block) const;

  ClipManifest manifest_;
  c10::Device device_;
  Module module_;
};

}  // namespace interrogator
