// NativePromptTree: the candidates of a chain.
#pragma once

#include <memory>
#include <vector>

#include "handle.h"
#include "interrogator/prompt_tree.h"

namespace interrogator::binding {

/// A tree until it or its model is closed, which empties it: a tree holds its model.
struct TreeSlot {
  std::shared_ptr<PromptTree> tree;
  DevicePtr device;
  std::int64_t vocab_size = 0;
};

class PromptTreeWrap : public Handle<PromptTreeWrap> {
 public:
  static constexpr char kName[] = "PromptTree";
  static constexpr char kDisposal[] = "dispose";
  static std::vector<PropertyDescriptor> methods();

  using Handle::Handle;
  void adopt(Napi::Env, std::shared_ptr<TreeSlot> slot) {
    show("count", slot->tree->count());
    slot_ = std::move(slot);
  }

 private:
  Napi::Value best(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<TreeSlot> slot_;
};

}  // namespace interrogator::binding
