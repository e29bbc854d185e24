// text.pt: many texts into unit features.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/token_lists.h"
#include "weights/module.h"

namespace interrogator {

class Bundle;

/// What all texts share, and how much each may add.
struct CutPrefix {
  std::vector<std::int64_t> ids;  ///< the start token first, where there is one; at most context_length - 1 of them
  std::int64_t room = 0;          ///< most tokens of a text before its end token; 0 after an end token in the prefix
};

/// [start] + prefix, cut to the manifest's context as open_clip's tokenizers do: the last place is the end token's. Of a causal tower also
/// at the first end token inside, where its output is read; to a bidirectional one that is a token like others.
CutPrefix cut_prefix(const std::vector<std::int32_t>& prefix, const ClipManifest& limits);

/// What texts[chosen[i]] adds to a prefix that leaves this room, for each i: at least its end token. Cut as cut_prefix() cuts.
TokenLists cut_suffixes(const TokenLists& texts, const std::vector<std::int32_t>& chosen, std::int64_t room, const ClipManifest& limits);

/// Rows of some of the texts: row i is the feature of the text at texts[i] in the caller's choice.
struct TextRows {
  std::vector<std::int64_t> texts;
  at::Tensor features;  ///< float32 [texts.size(), embed_dim], unit rows, on the device
};

/// Texts in the form that a tower takes, to follow any prefix that leaves the same room.
class PreparedTexts {
 public:
  virtual ~PreparedTexts() = default;
  /// For texts that are encoded again and again: does now, once, what else each encoding would do.
  virtual void keep_on(c10::Device) {}
};

/// Texts on their way through a tower, some parts of them at a time; others may use the tower and its device in between. The
/// tower outlives it.
class TextEncoding {
 public:
  /// encode(i) gives the rows of part i, on any thread. Every text is in exactly one part.
  TextEncoding(c10::Device device, std::size_t parts, std::function<TextRows(std::size_t)> encode)
      : device_(device), parts_(parts), encode_(std::move(encode)) {}
  bool finished() const noexcept { return next_ == parts_; }
  /// Encodes the next parts: as many as run at the same time, or one that has all threads to itself.
  TextRows advance();

 private:
  c10::Device device_;
  std::size_t parts_, next_ = 0;
  std::function<TextRows(std::size_t)> encode_;
};

class TextTower {
 public:
  /// The tower of the manifest's kind. Throws kBundleInvalid where the module does not do what the manifest says.
  static std::unique_ptr<TextTower> open(const ClipManifest& manifest, const Bundle& bundle, c10::Device device);
  virtual ~TextTower() = default;

  /// Most tokens of a text that fit between the prefix and the end token.
  std::int64_t room_after(const std::vector<std::int32_t>& prefix) const { return cut_prefix(prefix, manifest_).room; }
  /// texts[chosen[i]] for every i, as they follow a prefix that leaves this room. Ids are in the vocabulary.
  virtual std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                                 std::int64_t room) const = 0;
  /// Begins to encode [start] + prefix + text + [end] for every text. `texts` are this tower's own, for the prefix's
  /// room. Equal texts get equal rows to the last bit.
  virtual TextEncoding begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> texts) const = 0;

  void move_to(c10::Device device) { module_.move_to(device); }
  const Module& module() const noexcept { return module_; }

 protected:
  TextTower(const ClipManifest& manifest, Module module, c10::Device device)
      : manifest_(manifest), device_(device), module_(std::move(module)) {}

  /// Encodes the shortest text there is: a module that does not fit its manifest is found here and not in the middle of a table.
  virtual void probe() const = 0;
  /// Throws kRuntime unless rows are count × embed_dim.
  void check_rows(const at::Tensor& rows, std::int64_t count) const;

  ClipManifest manifest_;
  c10::Device device_;
  Module module_;
};

/// A causal text tower: many texts through the tree of their prefixes.
std::unique_ptr<TextTower> causal_tower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device);

/// A bidirectional text tower (RoBERTa, XLM-R, mT5): every token sees every other, so texts share nothing; they go through
/// in batches of equal length, without padding.
std::unique_ptr<TextTower> bidirectional_tower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device);

/// How many parts of an encoding can run at the same time: on the CPU one a thread. Nothing to wait for within a part, and
/// what it computes stays in its thread's cache.
std::size_t parts_at_once(c10::Device device);

}  // namespace interrogator
