// A causal text tower: many texts through the tree of their prefixes.
#pragma once

#include "clip/prefix_tree.h"
#include "clip/text_tower.h"
#include "weights/module.h"

namespace interrogator {

class CausalTower final : public TextTower {
 public:
  CausalTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device);

  std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                         std::int64_t room) const override;
  std::unique_ptr<TextEncoding> begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> texts) const override;
  void move_to(c10::Device device) override { module_.move_to(device); }
  const Module& module() const noexcept override { return module_; }

 private:
  class Texts;
  class Encoding;
  CutPrefix cut(const std::vector<std::int32_t>& prefix) const;
  void probe() const;
  at::Tensor extend(const std::vector<at::Tensor>& prefilled, const TextBlock& block) const;

  Module module_;
};

}  // namespace interrogator
