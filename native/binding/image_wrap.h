// NativeImage: the pixels of one image, for as long as jobs read them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "handle.h"
#include "interrogator/image_view.h"

namespace interrogator::binding {

class ImageWrap : public Handle<ImageWrap> {
 public:
  static constexpr char kName[] = "Image";
  static constexpr char kDisposal[] = "dispose";
  static std::vector<PropertyDescriptor> methods();

  struct Expected;

  using Handle::Handle;
  void adopt(Napi::Env, SharedImage image) { image_ = std::move(image); }

  /// The pixels of an argument, kept by what is returned. Throws kInvalidArgument, and kDisposed where it was closed.
  static SharedImage pixels_of(Napi::Value value, const std::string& argument);

  /// expectImage(): its pixels come from another thread's fillImage.
  static Napi::Value expect(const Napi::CallbackInfo& info);
  /// fillImage(number, {data, width, height})
  static Napi::Value fill(const Napi::CallbackInfo& info);
  /// copyImage({data, width, height, channels}, {r, g, b}?)
  static Napi::Value copy(const Napi::CallbackInfo& info);

 private:
  Napi::Value width(const Napi::CallbackInfo& info);
  Napi::Value height(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  const SharedImage& image();

  std::shared_ptr<Expected> expected_;  // until the pixels are there
  SharedImage image_;                   // without an owner once closed; the sizes stay
};

}  // namespace interrogator::binding
