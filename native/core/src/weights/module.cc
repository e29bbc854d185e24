#include "weights/module.h"

#include <ATen/ops/cat.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <limits>
#include <set>
#include <sstream>
#include <system_error>

#include "interrogator/error.h"
#include "platform/memory.h"
#include "weights/empty_parameters.h"
#include "weights/files/stored_tensor.h"
#include "weights/graph.h"
#include "weights/independent_operators.h"
#include "weights/linear_layers.h"
#include "weights/weights.h"

namespace interrogator {

namespace {

/// Runs a call into TorchScript. The profiling executor is off: it records and recompiles for the
/// first shapes that it sees and keeps plans for them. Measured on a small captioner: first call 350 ms
/// or more against 20, 36 MiB grown against 20, later calls no faster. The switch is the calling thread's.
template <class Call>
auto interpret(const char* method, const Call& call) {
  const torch::jit::GraphOptimizerEnabledGuard unoptimised(false);
  return explained(ErrorCode::kRuntime, call,
                   [&](const std::string& why) { return std::string("the model's ") + method + " failed: " + why; });
}

void prepare(torch::jit::Module& module, std::initializer_list<const char*> methods) {
  module.eval();
  for (const char* const method : methods) {
    if (!module.find_method(method)) throw std::runtime_error(std::string("it has no method '") + method + '\'');
  }
}

at::ScalarType compute_type(at::ScalarType stored, c10::Device device) {
  if (device.is_cpu()) return at::kFloat;
  return stored == at::kBFloat16 ? at::kBFloat16 : at::kHalf;
}

at::ScalarType compute_type(const torch::jit::Module& module, c10::Device device) {
  for (const at::Tensor& weight : module.parameters()) {
    if (weight.is_floating_point()) return compute_type(weight.scalar_type(), device);
  }
  return compute_type(at::kFloat, device);
}

/// Casts or moves in place, so that tied weights stay one tensor.
void convert_tensors(const torch::jit::Module& module, c10::Device device, std::optional<at::ScalarType> dtype) {
  for (const c10::IValue& attribute : module.attributes()) {
    if (!attribute.isTensor() || !attribute.toTensor().defined()) continue;
    at::Tensor tensor = attribute.toTensor();
    const bool cast = dtype && tensor.is_floating_point();
    tensor.set_data(tensor.to(device, cast ? *dtype : tensor.scalar_type()));
  }
}

/// Throws kOutOfMemory. Beside the parameters the largest may be there twice, as it is read.
void require_room_for(const std::vector<ParameterSource>& parameters, at::ScalarType type) {
  std::uint64_t bytes = 0, most = 0;
  for (auto each = parameters.begin(); each != parameters.end(); ++each) {
    if (std::find(parameters.begin(), each, *each) != each) continue;  // tied
    const std::uint64_t size = static_cast<std::uint64_t>(count_elements(each->shape)) * at::elementSize(type);
    bytes += size;
    most = std::max(most, size);
  }
  require_room(bytes + most);
}

}  // namespace

Module Module::load(const std::filesystem::path& path, c10::Device device, std::initializer_list<const char*> methods, Products products) {
  const auto load = [&] {
    std::error_code unknown;
    const std::uintmax_t bytes = std::filesystem::file_size(path, unknown);
    if (device.is_cpu() && !unknown) require_room(bytes);
    torch::jit::Module module = torch::jit::load(path.string(), device, /*load_debug_files=*/false);
    prepare(module, methods);
    const at::ScalarType dtype = compute_type(module, device);
    convert_tensors(module, device, dtype);
    if (device.is_cpu()) {
      take_over_operators(module);
      take_over_linear_layers(module, {}, products);
    }
    return Module(std::make_shared<torch::jit::Module>(std::move(module)), device, dtype);
  };
  return explained(ErrorCode::kBundleInvalid, load,
                   [&](const std::string& why) { return path.string() + " cannot be loaded: " + why + "; export the bundle again"; });
}

Module Module::assemble(const GraphPart& part, const Weights& weights, c10::Device device, std::initializer_list<const char*> methods,
                        Products products) {
  const auto assemble = [&] {
    std::istringstream archive{std::string(part.archive)};
    torch::jit::Module module = torch::jit::load(archive, device, /*load_debug_files=*/false);
    prepare(module, methods);
    const at::ScalarType dtype = compute_type(weights.stored_type(), device);
    convert_tensors(module, device, dtype);
    if (device.is_cpu()) require_room_for(part.parameters, dtype);
    EmptyParameters parameters(module, part, weights, device, dtype);
    if (device.is_cpu()) {
      take_over_operators(module);
      take_over_linear_layers(module, [&](const at::Tensor& weight) { parameters.fill(weight); }, products);
    }
    parameters.fill_rest();
    return Module(std::make_shared<torch::jit::Module>(std::move(module)), device, dtype);
  };
  return explained(ErrorCode::kBundleInvalid, assemble,
                   [&](const std::string& why) { return part.place + " cannot be loaded: " + why + "; " + Graph::kRemedy; });
}

std::optional<Module> Module::quantized(const char* method) const {
  if (!device_.is_cpu()) return std::nullopt;
  std::optional<torch::jit::Module> module = with_quantized_linear_layers(*module_, method);
  if (!module) return std::nullopt;
  return Module(std::make_shared<torch::jit::Module>(std::move(*module)), device_, dtype_);
}

bool Module::has_method(const char* name) const { return module_->find_method(name).has_value(); }

bool Module::is_independent(const std::vector<std::string>& methods) const {
  return !device_.is_cpu() || interrogator::is_independent(*module_, methods);
}

std::int64_t Module::bytes_of(std::initializer_list<const Module*> modules) {
  std::set<const c10::StorageImpl*> counted;
  std::int64_t total = 0;
  for (const Module* const module : modules) {
    if (!module) continue;
    for (const c10::IValue& attribute : module->module_->attributes()) {
      if (!attribute.isTensor() || !attribute.toTensor().defined()) continue;
      const c10::Storage& storage = attribute.toTensor().storage();
      if (counted.insert(storage.unsafeGetStorageImpl()).second) total += static_cast<std::int64_t>(storage.nbytes());
    }
  }
  return total;
}

void Module::move_to(c10::Device device) {
  if (device == device_) return;
  convert_tensors(*module_, device, std::nullopt);
  device_ = device;
}

std::int64_t Module::images_at_once(std::int64_t pixels) const {
  constexpr std::int64_t kAll = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kCached = 16 * 64 * 64;  // pixels
  if (!device_.is_cpu()) return kAll;
  if (!is_independent({"forward"})) return 1;
  return convolves(*module_) ? std::max<std::int64_t>(kCached / std::max<std::int64_t>(pixels, 1), 1) : kAll;
}

at::Tensor Module::call(const char* method, std::vector<c10::IValue> arguments) const {
  return interpret(method, [&] { return module_->get_method(method)(std::move(arguments)).toTensor(); });
}

at::Tensor Module::forward(const at::Tensor& images, std::int64_t at_once) const {
  const std::int64_t count = images.size(0);
  if (count <= at_once) return call("forward", {images});
  std::vector<at::Tensor> results;
  for (std::int64_t first = 0; first < count; first += at_once) {
    // A copy: it begins where a tensor of its own does.
    results.push_back(call("forward", {images.narrow(0, first, std::min(at_once, count - first)).clone()}));
  }
  return at::cat(results);
}

std::vector<at::Tensor> Module::call_tuple(const char* method, std::vector<c10::IValue> arguments, std::size_t count) const {
  return interpret(method, [&] {
    const c10::IValue result = module_->get_method(method)(std::move(arguments));
    const auto& elements = result.toTupleRef().elements();
    if (elements.size() != count) {
      throw std::runtime_error("it returned " + std::to_string(elements.size()) + " tensors, expected " + std::to_string(count));
    }
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (const c10::IValue& element : elements) tensors.push_back(element.toTensor());
    return tensors;
  });
}

}  // namespace interrogator
