#include "image_wrap.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <new>
#include <optional>

#include "rgb_copy.h"

namespace interrogator::binding {

namespace {

constexpr char kImage[] = "image";

struct Size {
  std::int64_t width, height;
};

Size to_size(const Napi::Object& image) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const Size size{to_integer(image.Get("width"), "image.width", 0, kMost), to_integer(image.Get("height"), "image.height", 0, kMost)};
  if (size.width == 0 || size.height == 0) {
    throw Error(ErrorCode::kImageSize, "the image has no pixels: it is " + std::to_string(size.width) + "x" + std::to_string(size.height));
  }
  return size;
}

/// Read it last: JavaScript that runs after it may take the pixels away.
const std::uint8_t* to_pixels(Napi::Value data, Size size, int channels) {
  const std::span<const std::uint8_t> bytes = to_bytes(data, "image.data");
  // No overflow: 4 * 2^62 fits in 64 unsigned bits.
  const auto expected =
      static_cast<std::uint64_t>(channels) * static_cast<std::uint64_t>(size.width) * static_cast<std::uint64_t>(size.height);
  if (bytes.size() != expected) {
    invalid("image.data", "expected width * height * channels (" + std::to_string(channels) + ") = " + std::to_string(expected) +
                              " bytes, got " + std::to_string(bytes.size()));
  }
  // In the core it would end the pass that it shares with the images of other callers.
  if (const std::int64_t longest = std::max(size.width, size.height); longest > kLongestSide) {
    throw Error(ErrorCode::kImageSize,
                "a side of " + std::to_string(longest) + " pixels is too long to resize; make the image smaller first");
  }
  return bytes.data();
}

SharedImage share(const std::uint8_t* data, Size size, std::shared_ptr<const void> owner) {
  return {{data, size.width, size.height}, std::move(owner)};
}

/// Gives the pages of a large image back to the system, which takes milliseconds; what they held is lost.
void give_back_pages(const std::uint8_t* data, std::size_t size) {
#ifdef __linux__
  constexpr std::size_t kLarge = std::size_t{1} << 20;
  if (size < kLarge) return;
  static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + size) / page * page;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#endif
}

/// Keeps an array of JavaScript alive, and its pixels unless it is of a part of a buffer. They are given back by the thread that lets
/// go of it last, so that little is left to do for the JS thread, which then frees the array: a garbage collection may be long in coming.
class HeldArray {
 public:
  HeldArray(const std::shared_ptr<Environment>& environment, Napi::TypedArray array, const std::uint8_t* data)
      : environment_(environment), data_(data), size_(array.ByteLength()), is_whole_(size_ == array.ArrayBuffer().ByteLength()) {
    if (napi_create_reference(array.Env(), array, 1, &reference_) != napi_ok) throw Error(ErrorCode::kRuntime, "the image cannot be held");
  }
  ~HeldArray() {
    if (is_whole_) give_back_pages(data_, size_);
    environment_->post([reference = reference_, is_whole = is_whole_](Napi::Env env) { release(env, reference, is_whole); });
  }
  HeldArray(const HeldArray&) = delete;
  HeldArray& operator=(const HeldArray&) = delete;

 private:
  static void release(Napi::Env env, napi_ref reference, bool is_whole) {
    napi_value value = nullptr;
    if (napi_get_reference_value(env, reference, &value) == napi_ok && value != nullptr) {
      // Of a part of a buffer, the rest is somebody else's.
      if (is_whole) napi_detach_arraybuffer(env, Napi::TypedArray(env, value).ArrayBuffer());
    }
    napi_delete_reference(env, reference);
  }

  const std::shared_ptr<Environment> environment_;
  const std::uint8_t* const data_;
  const std::size_t size_;
  const bool is_whole_;
  napi_ref reference_ = nullptr;
};

/// Whether only a transfer could take the memory away, which those who give pixels to be held don't do.
bool has_fixed_buffer(Napi::Value data) {
  if (!data.IsTypedArray()) return true;  // refused for that
  const Napi::Value buffer = data.As<Napi::TypedArray>().ArrayBuffer();
  return buffer.IsArrayBuffer() && !buffer.As<Napi::Object>().Get("resizable").ToBoolean();
}

/// Large ones in huge pages where the system has them: most of the time that a copy of 24 megapixels takes, it takes to get small ones.
std::shared_ptr<std::uint8_t> new_pixels(std::size_t size) {
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const auto alignment = std::align_val_t(size >= 2 * kHugePage ? kHugePage : 64);
  void* const memory = ::operator new(size, alignment);
#ifdef MADV_HUGEPAGE
  if (size >= 2 * kHugePage) madvise(memory, size, MADV_HUGEPAGE);
#endif
  return {static_cast<std::uint8_t*>(memory), [alignment](std::uint8_t* given) { ::operator delete(given, alignment); }};
}

std::optional<Rgb> to_background(Napi::Value value) {
  if (value.IsUndefined() || value.IsNull()) return std::nullopt;
  if (!value.IsObject()) invalid("background", "{r, g, b}", value);
  const auto channel = [&](const char* name) {
    return static_cast<std::uint8_t>(to_integer(value.As<Napi::Object>().Get(name), std::string("background.") + name, 0, 255));
  };
  return Rgb{channel("r"), channel("g"), channel("b")};
}

Napi::Object to_object(Napi::Value value, const char* expected) {
  if (!value.IsObject()) invalid(kImage, expected, value);
  return value.As<Napi::Object>();
}

}  // namespace

std::vector<ImageWrap::PropertyDescriptor> ImageWrap::methods() {
  return {InstanceAccessor<&ImageWrap::width>("width"), InstanceAccessor<&ImageWrap::height>("height"),
          InstanceMethod<&ImageWrap::close>("close")};
}

SharedImage ImageWrap::pixels_of(Napi::Value value, const std::string& argument) {
  const SharedImage& image = unwrap(value, argument).image_;
  if (!image.owner) throw Error(ErrorCode::kDisposed, "this image was closed; decode it again");
  return image;
}

Napi::Value ImageWrap::hold(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const Napi::Object image = to_object(info[0], "{data, width, height}");
    const Size size = to_size(image);
    const Napi::Value data = image.Get("data");
    if (!has_fixed_buffer(data)) invalid("image.data", "must be in an ArrayBuffer of fixed length; others can be copied");
    const std::uint8_t* const pixels = to_pixels(data, size, 3);
    auto held = std::make_shared<HeldArray>(environment_of(env).shared_from_this(), data.As<Napi::TypedArray>(), pixels);
    return wrap(env, share(pixels, size, freed_elsewhere(environment_of(env), std::move(held))));
  });
}

Napi::Value ImageWrap::copy(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const Napi::Object image = to_object(info[0], "{data, width, height, channels}");
    const Size size = to_size(image);
    const int channels = static_cast<int>(to_integer(image.Get("channels"), "image.channels", 1, 4));
    const std::optional<Rgb> background = to_background(info[1]);
    const Napi::Value data = image.Get("data");
    const std::uint8_t* const given = to_pixels(data, size, channels);
    const auto pixels = static_cast<std::size_t>(size.width * size.height);
    const std::shared_ptr<std::uint8_t> own = new_pixels(3 * pixels);
    copy_to_rgb(given, pixels, channels, background, own.get());
    const Napi::Object handle = wrap(env, share(own.get(), size, freed_elsewhere(environment_of(env), own)));
    Unwrap(handle)->stands_for(env, static_cast<std::int64_t>(3 * pixels));
    return handle;
  });
}

Napi::Value ImageWrap::width(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(image_.view.width));
}

Napi::Value ImageWrap::height(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(image_.view.height));
}

void ImageWrap::close(const Napi::CallbackInfo& info) {
  image_.owner.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
