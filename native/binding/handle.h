// The base of every handle: a JavaScript object that shares ownership of something of the core.
#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <unordered_map>
#include <utility>

#include "convert.h"
#include "environment.h"

namespace interrogator::binding {

/// What an environment keeps of the addon: nothing of JavaScript may be static, worker_threads load it again.
struct InstanceData {
  std::shared_ptr<Environment> environment;
  std::unordered_map<std::type_index, Napi::FunctionReference> constructors;
  std::type_index constructing = typeid(void);  ///< the handle class that native code is making now
};

inline Environment& environment_of(Napi::Env env) { return *env.GetInstanceData<InstanceData>()->environment; }

/// Another build of the package in the same process has handles of another layout: its version is part of the tag.
constexpr std::uint64_t tag_half(std::string_view text, std::uint64_t hash) {
  for (const char letter : text) hash = (hash ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3;
  return hash;
}

/// Self derives from Handle<Self> and has `kName`, `methods()` and `adopt(env, state)`; with kDisposal, the symbol that names its close(),
/// it works with `using`.
template <class Self>
class Handle : public Napi::ObjectWrap<Self> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Self>(info) {
    auto* const instance = info.Env().GetInstanceData<InstanceData>();
    checked(info.Env(), [&] {
      if (std::exchange(instance->constructing, typeid(void)) != typeid(Self)) {
        binding::invalid(Self::kName, "handles are made by the binding's own functions, not with new");
      }
    });
    const napi_type_tag tag = type_tag();
    info.This().As<Napi::Object>().TypeTag(&tag);
  }

  static void define(Napi::Env env) {
    const Napi::Function constructor = Napi::ObjectWrap<Self>::DefineClass(env, Self::kName, Self::methods());
    if constexpr (requires { Self::kDisposal; }) {
      const auto prototype = constructor.Get("prototype").As<Napi::Object>();
      prototype.Set(Napi::Symbol::WellKnown(env, Self::kDisposal), prototype.Get("close"));
    }
    env.GetInstanceData<InstanceData>()->constructors[typeid(Self)] = Napi::Persistent(constructor);
  }

  template <class State>
  static Napi::Object wrap(Napi::Env env, State state) {
    auto* const instance = env.GetInstanceData<InstanceData>();
    instance->constructing = typeid(Self);
    const Napi::Object object = instance->constructors.at(typeid(Self)).New({});
    Self::Unwrap(object)->adopt(env, std::move(state));
    return object;
  }

  /// Throws kInvalidArgument where value is no such handle.
  static Self& unwrap(Napi::Value value, const std::string& argument) {
    const napi_type_tag tag = type_tag();
    if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&tag)) {
      binding::invalid(argument, std::string("a ") + Self::kName, value);
    }
    return *Self::Unwrap(value.As<Napi::Object>());
  }

  /// A method of Self, or of a base of it, that gives a promise.
  template <auto method>
  static Napi::ClassPropertyDescriptor<Self> promises(const char* name) {
    return Self::InstanceMethod(name, static_cast<Napi::Value (Self::*)(const Napi::CallbackInfo&)>(&Handle::template promise<method>));
  }

  /// A property of this object that stays what it is.
  template <class T>
  void show(const char* name, const T& value) {
    this->Value().DefineProperty(Napi::PropertyDescriptor::Value(name, Napi::Value::From(this->Env(), value), napi_enumerable));
  }

  /// How much native memory the object keeps, 0 once it is closed. V8 would take a server's garbage for a few bytes an image, and wait.
  void stands_for(Napi::BasicEnv env, std::int64_t bytes) {
    Napi::MemoryManagement::AdjustExternalMemory(env, bytes - std::exchange(bytes_, bytes));
  }
  void Finalize(Napi::BasicEnv env) override { stands_for(env, 0); }

 private:
  template <auto method>
  Napi::Value promise(const Napi::CallbackInfo& info) {
    return promised(info.Env(), [&] { return (static_cast<Self*>(this)->*method)(info); });
  }

  static constexpr napi_type_tag type_tag() {
    return {tag_half(Self::kName, 0xcbf29ce484222325), tag_half(INTERROGATOR_VERSION, 0x84222325cbf29ce4)};
  }

  std::int64_t bytes_ = 0;
};

}  // namespace interrogator::binding
