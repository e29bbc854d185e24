#include "weights/empty_parameters.h"

#include <ATen/ops/empty.h>

#include <string>
#include <string_view>

#include "weights/files/fault.h"

namespace interrogator {

namespace {

/// A module's attribute: the object that it is of, and its slot there.
struct Place {
  c10::intrusive_ptr<c10::ivalue::Object> owner;
  std::size_t slot = 0;
};

Place find_place(const torch::jit::Module& module, const std::string& path) {
  Place place{module._ivalue(), 0};
  for (std::string_view left = path;;) {
    const std::size_t point = left.find('.');
    const auto slot = place.owner->type()->findAttributeSlot(std::string(left.substr(0, point)));
    if (!slot) refuse("it has no " + in_quotes(path) + ", which the graph would fill");
    const c10::IValue& value = place.owner->getSlot(*slot);
    if (point == std::string_view::npos) {
      if (!value.isTensor()) refuse("its " + in_quotes(path) + ", which the graph would fill, is no tensor");
      place.slot = *slot;
      return place;
    }
    if (!value.isObject()) refuse("it has no " + in_quotes(path) + ", which the graph would fill");
    place.owner = value.toObject();
    left.remove_prefix(point + 1);
  }
}

/// Of the right shape, of one number.
at::Tensor stand_in(const Shape& shape, at::ScalarType type) { return at::empty({}, type).expand(shape); }

void check_that_none_is_left(const torch::jit::Module& module) {
  for (const auto& each : module.named_attributes()) {
    const bool empty = each.value.isTensor() && each.value.toTensor().defined() && each.value.toTensor().numel() == 0;
    if (empty) refuse("its " + in_quotes(each.name) + " is empty, and the graph does not fill it");
  }
}

struct SourceHash {
  std::size_t operator()(const ParameterSource* source) const { return std::hash<std::string>()(source->from); }
};
struct SourceEqual {
  bool operator()(const ParameterSource* one, const ParameterSource* other) const { return *one == *other; }
};

}  // namespace

EmptyParameters::EmptyParameters(const torch::jit::Module& module, const GraphPart& part, const Weights& weights, c10::Device device,
                                 at::ScalarType type)
    : weights_(weights), device_(device), type_(type) {
  std::unordered_map<const ParameterSource*, at::Tensor, SourceHash, SourceEqual> made;
  for (const ParameterSource& source : part.parameters) {
    const Place place = find_place(module, source.to);
    at::Tensor& parameter = made[&source];
    if (!parameter.defined()) {
      const bool waits = device.is_cpu() && source.shape.size() == 2;
      parameter = waits ? stand_in(source.shape, type) : weights.read(source, type).to(device);
      if (waits) {
        waiting_.emplace_back(parameter, &source);
        source_of_[parameter.unsafeGetTensorImpl()] = &source;
      }
    }
    place.owner->setSlot(place.slot, parameter);
  }
  check_that_none_is_left(module);
}

void EmptyParameters::fill(const at::Tensor& parameter) {
  const auto found = source_of_.find(parameter.unsafeGetTensorImpl());
  if (found == source_of_.end()) return;
  at::Tensor filled = parameter;
  filled.set_data(weights_.read(*found->second, type_));
  source_of_.erase(found);
}

void EmptyParameters::fill_rest() {
  for (const auto& [parameter, source] : waiting_) fill(parameter);
  waiting_.clear();
}

}  // namespace interrogator
