// Decode steps as graphs: a step's hundreds of launches, captured once, queued again with one call.
//
// A graph reads and writes fixed memory. So there are sets of caches that stay where they are, for 1, 2, 4, 8 … rows; a
// decoding borrows the set that it fits in, its caches move there, and each (position, number of tokens) of the set has a
// graph of its own. The first use runs plainly, which also readies what libtorch prepares on first use; the second is
// captured; from then on it is queued. Where a capture or its replay fails, nothing is captured any more: all runs plainly.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <utility>

namespace interrogator {

/// Queues what was captured.
using Replay = std::function<void()>;
/// Captures what `work` queues on a device; it does not run yet.
using Capture = std::function<Replay(const std::function<void()>& work)>;
/// Makes a Capture for each set of caches. What one makes may share memory: what one replay gives is read before the next.
using CapturePools = std::function<Capture()>;

struct DecodeCaches {
  at::Tensor keys, values;              ///< [layers, rows, heads, length, head_dim]
  at::Tensor cross_keys, cross_values;  ///< [layers, rows, heads, image tokens, head_dim]
};

/// Gives the next ids, int64 [rows] on the device, of ids int64 [rows, T] there.
using DecodeStep = std::function<at::Tensor(const at::Tensor& ids, const DecodeCaches& caches)>;

/// Of one model; on its device's thread.
class DecodeGraphs {
 public:
  /// Without pools every step runs plainly.
  explicit DecodeGraphs(CapturePools pools) : pools_(std::move(pools)) {}

  /// Forgets what was captured: the model's weights are about to move. Also while a decoding is under way.
  void clear();
  bool possible() const noexcept { return pools_ != nullptr; }

 private:
  friend class GraphedDecoding;
  struct Set;

  std::shared_ptr<Set> borrow(const DecodeCaches& caches);
  void give_up();

  CapturePools pools_;
  std::list<std::shared_ptr<Set>> sets_;  // the last used in front
};

/// One decoding's use of them; it runs plainly where they cannot be used. Others may decode between its steps. It may be
/// destroyed on any thread, as a cancelled one is.
class GraphedDecoding {
 public:
  explicit GraphedDecoding(DecodeGraphs& graphs) : graphs_(graphs) {}
  ~GraphedDecoding() { give_back(); }
  GraphedDecoding(const GraphedDecoding&) = delete;
  GraphedDecoding& operator=(const GraphedDecoding&) = delete;

  /// Moves the caches, of which positions 0 … filled hold something, to where graphs can use them. Call it with new
  /// caches and whenever their rows have changed.
  void adopt(DecodeCaches& caches, std::int64_t filled);

  /// `work` on ids (int64 [rows, T] on the host) at `position`. The result is overwritten by the next step.
  at::Tensor step(const at::Tensor& ids, std::int64_t position, const DecodeCaches& caches, const DecodeStep& work);

 private:
  void give_back();
  at::Tensor run(const at::Tensor& ids, std::int64_t position, const DecodeStep& work);

  DecodeGraphs& graphs_;
  std::shared_ptr<DecodeGraphs::Set> set_;
};

/// CUDA graphs for `device`; none where it is no CUDA device or libinterrogator_cuda_graph is not beside the kernels.
CapturePools device_graphs(c10::Device device);

}  // namespace interrogator
