// text.pt: many texts into unit features through the tree of their prefixes.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/cancel.h"
#include "interrogator/clip_model.h"
#include "module.h"

namespace interrogator {

struct PrefixTree;

/// Rows of some of the texts: row i is the feature of the text at texts[i] in the caller's choice.
struct TextRows {
  std::vector<std::int64_t> texts;
  at::Tensor features;  ///< float32 [texts.size(), embed_dim], unit rows, on the device
};

class TextTower {
 public:
  /// Throws kBundleInvalid where the module does not do what the manifest says.
  TextTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device);

  /// Throws kInvalidArgument unless every id is in the vocabulary.
  void check(const std::vector<std::int32_t>& prefix) const;
  void check(const TokenLists& texts) const;

  /// Encodes [start] + prefix + texts[chosen[i]] + [end] for every i and hands over the rows block by
  /// block; each i comes once, in any order. Equal texts get equal rows to the last bit. The token is
  /// read before each block. Expects checked ids.
  void encode(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const std::vector<std::int32_t>& chosen,
              const CancelToken* token, const std::function<void(const TextRows&)>& take) const;

  void move_to(c10::Device device) { module_.move_to(device); }

 private:
  void probe() const;
  at::Tensor extend(const std::vector<at::Tensor>& prefilled, const PrefixTree& tree) const;

  ClipManifest manifest_;
  c10::Device device_;
  Module module_;
};

}  // namespace interrogator
