// A bidirectional text tower (RoBERTa, XLM-R, mT5): every token sees every other, so texts share nothing; they go through
// in batches of equal length, without padding.
#pragma once

#include "clip/text_tower.h"
#include "weights/module.h"

namespace interrogator {

class BidirectionalTower final : public TextTower {
 public:
  BidirectionalTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device);

  std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                         std::int64_t room) const override;
  std::unique_ptr<TextEncoding> begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> texts) const override;
  void move_to(c10::Device device) override { module_.move_to(device); }
  const Module& module() const noexcept override { return module_; }

 private:
  struct Texts;
  class Encoding;
  /// ids: int64 [B, T] on the CPU → float32 [B, embed_dim].
  at::Tensor encode(const at::Tensor& ids) const;

  Module module_;
};

}  // namespace interrogator
