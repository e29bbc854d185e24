#include "ops/cuda/image_transform.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "device/transfer.h"
#include "interrogator/error.h"
#include "ops/image_transform.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kChannels = 3;

/// One side of the resizing: what the window shows of it and how that is made from pixels first … end of the image.
struct Side {
  Overlap shown;
  Taps taps;
  std::int64_t first = 0, end = 0;

  Side(std::int64_t source, std::int64_t resized, std::int64_t offset, std::int64_t window, Filter filter)
      : shown(overlap(offset, resized, window)) {
    if (shown.count == 0) {
      shown = {};
      return;
    }
    taps = make_taps(source, resized, filter, shown.image, shown.count);
    first = taps.first.front();
    end = taps.end();
  }

  std::int64_t size() const { return end - first; }
};

/// Tables for the device, one after another in one tensor: 32-bit numbers, whichever kind.
class Tables {
 public:
  /// Where the first of them will lie.
  template <class Number>
  std::size_t add(const std::vector<Number>& numbers, std::int64_t subtract = 0) {
    const std::size_t start = words_.size();
    for (const Number number : numbers) words_.push_back(static_cast<std::int32_t>(number - subtract));
    return start;
  }

  std::size_t add(const NormalisedValues& values) {
    const std::size_t start = words_.size();
    words_.resize(start + sizeof(values) / sizeof(std::int32_t));
    std::memcpy(words_.data() + start, values.data(), sizeof(values));
    return start;
  }

  at::Tensor upload(c10::Device device) const {
    const at::Tensor staged = staging({static_cast<std::int64_t>(words_.size())}, at::kInt, device);
    std::memcpy(staged.data_ptr(), words_.data(), words_.size() * sizeof(std::int32_t));
    return upload_staged(staged, device);
  }

 private:
  std::vector<std::int32_t> words_;
};

struct TapsAt {
  std::size_t first, offsets, weights;

  TapsAt(Tables& tables, const Side& side)
      : first(tables.add(side.taps.first, side.first)), offsets(tables.add(side.taps.offsets)), weights(tables.add(side.taps.weights)) {}

  interrogator_cuda_taps on(const std::int32_t* words, const Side& side) const {
    return {words + first, words + offsets, words + weights, side.shown.count};
  }
};

/// What of the image the taps read, row after row.
at::Tensor upload_pixels(const ImageView& image, const Side& columns, const Side& rows, c10::Device device) {
  const at::Tensor staged = staging({rows.size(), columns.size(), kChannels}, at::kByte, device);
  auto* target = staged.data_ptr<std::uint8_t>();
  const std::int64_t row_bytes = columns.size() * kChannels;
  for (std::int64_t y = rows.first; y < rows.end; ++y, target += row_bytes) {
    std::memcpy(target, image.data + (y * image.width + columns.first) * kChannels, static_cast<std::size_t>(row_bytes));
  }
  return upload_staged(staged, device);
}

interrogator_cuda_type type_of(at::ScalarType type) {
  if (type == at::kHalf) return INTERROGATOR_CUDA_FLOAT16;
  return type == at::kBFloat16 ? INTERROGATOR_CUDA_BFLOAT16 : INTERROGATOR_CUDA_FLOAT32;
}

/// Undefined where the kernels do not take it.
at::Tensor run_kernel(const CudaKernels& kernels, const ImageView& image, const ImagePreprocess& preprocess, c10::Device device,
                      at::ScalarType type) {
  const ResizePlan plan = plan_resize(image.width, image.height, preprocess);
  const Side columns(image.width, plan.resized_width, plan.left, preprocess.width, plan.filter);
  const Side rows(image.height, plan.resized_height, plan.top, preprocess.height, plan.filter);
  Tables tables;
  const TapsAt column_taps(tables, columns), row_taps(tables, rows);
  const std::size_t values = tables.add(normalised_values(preprocess));
  const at::Tensor words = tables.upload(device), pixels = upload_pixels(image, columns, rows, device);
  const at::Tensor result = at::empty({kChannels, preprocess.height, preprocess.width}, at::TensorOptions().device(device).dtype(type));

  interrogator_cuda_image_request request{};
  request.pixels = pixels.const_data_ptr<std::uint8_t>();
  request.height = rows.size();
  request.width = columns.size();
  request.columns = column_taps.on(words.const_data_ptr<std::int32_t>(), columns);
  request.rows = row_taps.on(words.const_data_ptr<std::int32_t>(), rows);
  request.vertical_first = vertical_first(image.width, image.height, plan.resized_width, plan.resized_height);
  request.type = type_of(type);
  request.window_width = preprocess.width;
  request.window_height = preprocess.height;
  request.left = columns.shown.window;
  request.top = rows.shown.window;
  request.fill = plan.fill;
  request.values = reinterpret_cast<const float*>(words.const_data_ptr<std::int32_t>() + values);
  request.result = result.data_ptr();
  const std::int64_t bytes = kernels.image_workspace(request);
  const at::Tensor workspace = at::empty({bytes}, at::TensorOptions().device(device).dtype(at::kByte));
  return kernels.image(request, workspace.data_ptr(), bytes, current_stream(device)) ? result : at::Tensor();
}

}  // namespace

at::Tensor image_transform_with(const CudaKernels* kernels, const ImageView& image, const ImagePreprocess& preprocess, c10::Device device,
                                at::ScalarType type) {
  check_image_transform(image, preprocess);
  if (kernels) {
    if (at::Tensor result = run_kernel(*kernels, image, preprocess, device, type); result.defined()) return result;
  }
  return upload(image_transform(image, preprocess).to(type), device);
}

at::Tensor image_transform_on(const ImageView& image, const ImagePreprocess& preprocess, c10::Device device, at::ScalarType type) {
  return image_transform_with(device.is_cuda() ? cuda_kernels() : nullptr, image, preprocess, device, type);
}

}  // namespace interrogator::ops
