#include "text_tower.h"

#include <ATen/ops/tensor.h>

#include <string>
#include <utility>

#include "interrogator/error.h"
#include "prefix_tree.h"
#include "transfer.h"

namespace interrogator {

namespace {

/// Most nodes a pass. Bounds memory and, on the CPU, the time until a cancelled call notices; large
/// enough that the matrix products run at full speed.
std::int64_t nodes_per_block(c10::Device device) { return device.is_cpu() ? 2048 : 32768; }

std::string shape_of(const at::Tensor& tensor) { return c10::str(tensor.sizes()); }

struct DistinctEnds {
  at::Tensor ends;    ///< int64 [distinct]
  at::Tensor row_of;  ///< int64 [N]: where text n's end is among them
};

/// Neighbours that end at the same node become one, so that equal texts are computed once.
DistinctEnds distinct_ends(const at::Tensor& ends) {
  const std::int64_t* const values = ends.const_data_ptr<std::int64_t>();
  std::vector<std::int64_t> distinct, rows;
  for (std::int64_t n = 0; n < ends.size(0); ++n) {
    if (n == 0 || values[n] != values[n - 1]) distinct.push_back(values[n]);
    rows.push_back(static_cast<std::int64_t>(distinct.size()) - 1);
  }
  return {at::tensor(distinct), at::tensor(rows)};
}

}  // namespace

TextTower::TextTower(const ClipManifest& manifest, const std::filesystem::path& file, c10::Device device)
    : manifest_(manifest), device_(device), module_(Module::load(file, device, {"prefill", "extend"})) {
  try {
    probe();
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kRuntime) throw;
    throw Error(ErrorCode::kBundleInvalid, file.string() + " is no causal text tower: " + failure.what() + "; export the bundle again");
  }
}

/// The shortest text there is, through both methods: a module that does not fit its manifest is
/// found here and not in the middle of a table.
void TextTower::probe() const {
  const TextLimits limits{manifest_.context_length, manifest_.sot_id, manifest_.eot_id};
  const SharedPrefix shared = share_prefix({}, TokenLists{{}, {0, 0}}, limits);
  const auto prefilled = module_.call_tuple("prefill", {upload(at::tensor(shared.ids), device_)}, 2);
  for (const at::Tensor& cache : prefilled) {
    if (cache.dim() != 4 || cache.size(0) != manifest_.layers || cache.size(1) != manifest_.heads || cache.size(2) != 1) {
      throw Error(ErrorCode::kRuntime, "keys and values are " + shape_of(cache) + " where the manifest has " +
                                           std::to_string(manifest_.layers) + " layers and " + std::to_string(manifest_.heads) + " heads");
    }
  }
  extend(prefilled, build_prefix_tree(shared.suffixes));
}

void TextTower::check(const std::vector<std::int32_t>& prefix) const {
  check(TokenLists{prefix, {0, static_cast<std::int32_t>(prefix.size())}});
}

void TextTower::check(const TokenLists& texts) const { check_token_lists(texts, manifest_.vocab_size); }

at::Tensor TextTower::extend(const std::vector<at::Tensor>& prefilled, const PrefixTree& tree) const {
  const auto [ends, row_of] = distinct_ends(tree.ends);
  const at::Tensor rows = module_.call("extend", {prefilled[0], prefilled[1], upload(tree.ids, device_), upload(tree.depth, device_),
                                                  upload(tree.ancestors, device_), upload(ends, device_)});
  if (rows.dim() != 2 || rows.size(0) != ends.size(0) || rows.size(1) != manifest_.embed_dim) {
    throw Error(ErrorCode::kRuntime, "features are " + shape_of(rows) + " where " + std::to_string(ends.size(0)) + " × " +
                                         std::to_string(manifest_.embed_dim) + " were expected");
  }
  return rows.to(at::kFloat).index_select(0, upload(row_of, device_));
}

void TextTower::encode(const std::vector<std::int32_t>& prefix, const TokenLists& texts, const std::vector<std::int32_t>& chosen,
                       const CancelToken* token, const std::function<void(const TextRows&)>& take) const {
  if (chosen.empty()) return;
  const TextLimits limits{manifest_.context_length, manifest_.sot_id, manifest_.eot_id};
  if (token) token->check();
  SharedPrefix shared = share_prefix(prefix, texts, chosen, limits);
  const TextBlocks blocks(std::move(shared.suffixes), nodes_per_block(device_));
  const auto prefilled = module_.call_tuple("prefill", {upload(at::tensor(shared.ids), device_)}, 2);
  for (std::size_t index = 0; index < blocks.count(); ++index) {
    if (token) token->check();
    TextBlock block = blocks.block(index);
    at::Tensor features = extend(prefilled, block.tree);
    take({std::move(block.texts), std::move(features)});
  }
}

}  // namespace interrogator
