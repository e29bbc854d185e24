#include "image_wrap.h"

#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <mutex>
#include <new>
#include <optional>
#include <unordered_map>

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

SharedImage copied(Environment& environment, const std::uint8_t* given, Size size, int channels, std::optional<Rgb> background) {
  const auto pixels = static_cast<std::size_t>(size.width * size.height);
  std::shared_ptr<std::uint8_t> own = new_pixels(3 * pixels);
  copy_to_rgb(given, pixels, channels, background, own.get());
  return {{own.get(), size.width, size.height}, freed_elsewhere(environment, std::move(own))};
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

/// Pixels that a thread of JavaScript waits for and another one gives.
struct ImageWrap::Expected {
  const std::shared_ptr<Environment> environment;  ///< of the thread that waits
  std::promise<SharedImage> pixels;
  std::future<SharedImage> arrival = pixels.get_future();
};

namespace {

/// What is expected in this process, by the numbers that threads tell each other.
class Expectations {
 public:
  std::int64_t add(const std::shared_ptr<ImageWrap::Expected>& expected) {
    const std::lock_guard lock(mutex_);
    std::erase_if(waiting_, [](const auto& each) { return each.second.expired(); });
    waiting_.emplace(++last_, expected);
    return last_;
  }

  /// Null where it was given already or nobody waits any more.
  std::shared_ptr<ImageWrap::Expected> take(std::int64_t number) {
    const std::lock_guard lock(mutex_);
    const auto node = waiting_.extract(number);
    return node ? node.mapped().lock() : nullptr;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::int64_t, std::weak_ptr<ImageWrap::Expected>> waiting_;
  std::int64_t last_ = 0;
};

Expectations expectations;

}  // namespace

std::vector<ImageWrap::PropertyDescriptor> ImageWrap::methods() {
  return {InstanceAccessor<&ImageWrap::width>("width"), InstanceAccessor<&ImageWrap::height>("height"),
          InstanceMethod<&ImageWrap::close>("close")};
}

const SharedImage& ImageWrap::image() {
  if (expected_ && expected_->arrival.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
    image_ = expected_->arrival.get();
    expected_.reset();
  }
  return image_;
}

SharedImage ImageWrap::pixels_of(Napi::Value value, const std::string& argument) {
  ImageWrap& wrap = unwrap(value, argument);
  const SharedImage& image = wrap.image();
  if (wrap.expected_) binding::invalid(argument, "its pixels have not come yet");
  if (!image.owner) throw Error(ErrorCode::kDisposed, "this image was closed; decode it again");
  return image;
}

Napi::Value ImageWrap::expect(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    auto expected = std::make_shared<Expected>(Expected{environment_of(env).shared_from_this(), {}});
    const std::int64_t number = expectations.add(expected);
    const Napi::Object handle = wrap(env, SharedImage{});
    Unwrap(handle)->expected_ = std::move(expected);
    Unwrap(handle)->show("number", number);
    return handle;
  });
}

Napi::Value ImageWrap::fill(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  return checked(env, [&] {
    const std::int64_t number = to_integer(info[0], "number", 0, std::int64_t{1} << 53);
    const Napi::Object image = to_object(info[1], "{data, width, height}");
    const Size size = to_size(image);
    const Napi::Value data = image.Get("data");
    const std::uint8_t* const given = to_pixels(data, size, 3);
    // Nobody expects it any more where the image was closed.
    if (const std::shared_ptr<Expected> expected = expectations.take(number)) {
      expected->pixels.set_value(copied(*expected->environment, given, size, 3, std::nullopt));
    }
    // Memory does not wait for a garbage collection. What is shared stays; smaller arrays may share a buffer with others.
    const Napi::TypedArray array = data.As<Napi::TypedArray>();
    constexpr std::size_t kLarge = std::size_t{64} << 10;
    if (array.ByteLength() >= kLarge) napi_detach_arraybuffer(env, array.ArrayBuffer());
    return env.Undefined();
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
    const Napi::Object handle = wrap(env, copied(environment_of(env), given, size, channels, background));
    Unwrap(handle)->stands_for(env, 3 * size.width * size.height);
    return handle;
  });
}

Napi::Value ImageWrap::width(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(image().view.width));
}

Napi::Value ImageWrap::height(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(image().view.height));
}

void ImageWrap::close(const Napi::CallbackInfo& info) {
  image();  // its sizes stay
  expected_.reset();
  image_.owner.reset();
  stands_for(info.Env(), 0);
}

}  // namespace interrogator::binding
