#include <ATen/ops/tensor.h>

#include <string>
#include <utility>

#include "clip/prefix_tree.h"
#include "clip/text_tower.h"
#include "device/transfer.h"
#include "interrogator/error.h"
#include "weights/bundle.h"

namespace interrogator {

namespace {

/// Blocks bound memory and, on the CPU, the time until a cancelled call notices and until another's turn. Of 128, 256,
/// 512 and 1,024 nodes a block 512 came nearest to the limit (interrogator_core_bench, chain step, ViT-B-32).
BlockLimits block_limits(c10::Device device) {
  if (device.is_cpu()) return {.max_nodes = 512, .parts = static_cast<std::int64_t>(parts_at_once(device)), .least_nodes = 64};
  return {.max_nodes = 32768};
}

class CausalTower final : public TextTower {
 public:
  CausalTower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device)
      : TextTower(manifest, bundle.load(manifest.text_file, device, {"prefill", "extend"}), device) {}

  std::shared_ptr<PreparedTexts> prepare(const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                                         std::int64_t room) const override {
    return std::make_shared<TextBlocks>(cut_suffixes(texts, chosen, room, manifest_), block_limits(device_));
  }

  TextEncoding begin(const std::vector<std::int32_t>& prefix, std::shared_ptr<const PreparedTexts> prepared) const override {
    const auto blocks = std::static_pointer_cast<const TextBlocks>(std::move(prepared));
    std::vector<at::Tensor> prefilled;
    if (blocks->count() > 0) prefilled = prefill(prefix);
    return {device_, blocks->count(), [=, this](std::size_t i) {
              const auto block = blocks->block(i);
              return TextRows{block->texts, extend(prefilled, *block)};
            }};
  }

 private:
  void probe() const override {
    const auto prefilled = prefill({});
    for (const at::Tensor& cache : prefilled) {
      if (cache.dim() != 4 || cache.size(0) != manifest_.layers || cache.size(1) != manifest_.heads || cache.size(2) != 1) {
        throw Error(ErrorCode::kRuntime, "keys and values are " + c10::str(cache.sizes()) + " where the manifest has " +
                                             std::to_string(manifest_.layers) + " layers and " + std::to_string(manifest_.heads) +
                                             " heads");
      }
    }
    const TextBlocks empty_text(cut_suffixes(TokenLists{{}, {0, 0}}, {0}, room_after({}), manifest_), {});
    extend(prefilled, *empty_text.block(0));
  }

  /// Keys and values of the prefix.
  std::vector<at::Tensor> prefill(const std::vector<std::int32_t>& prefix) const {
    return module_.call_tuple("prefill", {upload(at::tensor(cut_prefix(prefix, manifest_).ids), device_)}, 2);
  }

  at::Tensor extend(const std::vector<at::Tensor>& prefilled, const TextBlock& block) const {
    const PrefixTree& tree = block.tree;
    // Kept blocks are there already.
    const auto on_device = [this](const at::Tensor& tensor) { return upload(tensor, device_); };
    const at::Tensor rows = module_.call("extend", {prefilled[0], prefilled[1], on_device(tree.ids), on_device(tree.depth),
                                                    on_device(tree.ancestors), on_device(tree.ends)});
    check_rows(rows, tree.ends.size(0));
    return rows.to(at::kFloat).index_select(0, on_device(block.row_of));
  }
};

}  // namespace

std::unique_ptr<TextTower> causal_tower(const ClipManifest& manifest, const Bundle& bundle, c10::Device device) {
  return std::make_unique<CausalTower>(manifest, bundle, device);
}

}  // namespace interrogator
