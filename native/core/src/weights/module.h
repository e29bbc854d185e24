// A TorchScript module in memory: loaded or put together, moved, cast, called.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "interrogator/device.h"

namespace torch::jit {
struct Module;
}

namespace interrogator {

struct GraphPart;
class Weights;

class Module {
 public:
  /// Loads onto `device` with floating weights in the type that it computes in: float32 on the CPU;
  /// on CUDA float16, or bfloat16 where they are stored so. Other tensors keep their type. On the CPU
  /// linear layers are ours (linear_layers.h), and multiply `products`. Throws
  /// kBundleInvalid, naming `path`, where the file is no TorchScript module of this libtorch or
  /// lacks one of `methods`; kOutOfMemory.
  static Module load(const std::filesystem::path& path, c10::Device device, std::initializer_list<const char*> methods,
                     Products products = Products::kFloat32);

  /// The same from a graph's module and the weights that it lacks; bfloat16 where most of the file is. Throws kBundleInvalid, naming the
  /// graph; kWeightsInvalid, kIo; kOutOfMemory.
  static Module assemble(const GraphPart& part, const Weights& weights, c10::Device device, std::initializer_list<const char*> methods,
                         Products products = Products::kFloat32);

  /// The same model for calls of `method` alone, with the weights of its linear layers in int8, a quarter of the memory to read, and
  /// its other tensors shared: it drafts what this one answers. None on CUDA and where no weights are packed.
  std::optional<Module> quantized(const char* method) const;

  bool has_method(const char* name) const;

  /// Whether these methods give each image of a batch the same, to the last bit, as it gets alone. Methods that it lacks do not count.
  /// Always on CUDA, where that is not asked for. Walks their graphs.
  bool is_independent(const std::vector<std::string>& methods) const;

  /// The type of floating inputs and outputs.
  at::ScalarType dtype() const noexcept { return dtype_; }

  /// Bytes of the tensors of several modules, each counted once where they share some. Null ones count nothing.
  static std::int64_t bytes_of(std::initializer_list<const Module*> modules);

  /// Moves every tensor. Idempotent.
  void move_to(c10::Device device);

  /// Most images of so many pixels that `forward` takes at once. On the CPU it is one where they would change each other's last bits, and
  /// where layers of convolutions are faster with what the layer before left in the cache.
  std::int64_t images_at_once(std::int64_t pixels) const;

  at::Tensor call(const char* method, std::vector<c10::IValue> arguments) const;
  /// `forward` of a batch of images, so many at once, joined.
  at::Tensor forward(const at::Tensor& images, std::int64_t at_once) const;
  std::vector<at::Tensor> call_tuple(const char* method, std::vector<c10::IValue> arguments, std::size_t count) const;

 private:
  Module(std::shared_ptr<torch::jit::Module> module, c10::Device device, at::ScalarType dtype)
      : module_(std::move(module)), device_(device), dtype_(dtype) {}

  std::shared_ptr<torch::jit::Module> module_;  // its headers would double a file's build time
  c10::Device device_;
  at::ScalarType dtype_;
};

}  // namespace interrogator
