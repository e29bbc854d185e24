// text.pt: many texts into unit features.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "interrogator/bundle.h"
#include "interrogator/token_lists.h"

namespace interrogator {

class Module;

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

/// Texts on their way through a tower, a part of them at a time; others may use the tower and its device in between. The
/// tower outlives it.
class TextEncoding {
 public:
  virtual ~TextEncoding() = default;
  virtual bool finished() const noexcept = 0;
  /// Encodes the next part. Every text is in exactly one.
  virtual TextRows advance() = 0;
};

class TextTower {
 public:
  /// The tower of the manifest's kind. Throws kBundleInvalid where the module does not do what the manifest says.
  static std::unique_ptr<TextTower> open(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device);
  virtual ~TextTower() = default;

  /// Throws kInvalidArgument unless every id is in the vocabulary.
  void check(const std::vector<std::int32_t>& prefix) const;
  void check(const TokenLists& texts) const;

  /// Most tokens of a text that fit between the prefix and the end token.
  std::int64_t room_after(const std::vector<std::int32_t>& prefix) const;
  /// texts[chosen[i]] for every i, as they follow a prefix that leaves this room. Expects checked ids.
  virtual std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                                 std::int64_t room) const = 0;
  /// Begins to encode [start] + prefix + text + [end] for every text. `texts` are this tower's own, for the prefix's
  /// room. Equal texts get equal rows to the last bit.
  virtual std::unique_ptr<TextEncoding> begin(const std::vector<std::int32_t>& prefix,
                                              std::shared_ptr<const PreparedTexts> texts) const = 0;

  virtual void move_to(c10::Device device) = 0;
  virtual const Module& module() const noexcept = 0;

 protected:
  TextTower(const ClipManifest& manifest, c10::Device device) : manifest_(manifest), device_(device) {}

  /// Runs `probe`, an encoding of the shortest text there is: a module that does not fit its manifest is found here and
  /// not in the middle of a table.
  void check_module(const std::filesystem::path& file, const std::function<void()>& probe) const;
  /// Throws kRuntime unless rows are count × embed_dim.
  void check_rows(const at::Tensor& rows, std::int64_t count) const;

  ClipManifest manifest_;
  c10::Device device_;
};

/// How many parts of an encoding can run at the same time: on the CPU one a thread. Nothing to wait for within a part, and
/// what it computes stays in its thread's cache.
std::size_t parts_at_once(c10::Device device);
/// How many of `left` parts to encode next: as many as run at the same time, or one that has all threads to itself.
std::size_t parts_next(c10::Device device, std::size_t left);
/// encode(0) … encode(count - 1) at the same time.
void encode_parts(std::size_t count, const std::function<void(std::size_t)>& encode);

}  // namespace interrogator
