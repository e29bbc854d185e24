#include "ops/cuda/image_transform.h"

#include <ATen/ATen.h>

#include <cstring>
#include <vector>

#include "device/transfer.h"
#include "ops/image_transform.h"

namespace interrogator::ops {

namespace {

constexpr std::int64_t kChannels = 3;

/// A side's taps in a table of 32-bit numbers: first, offsets, weights.
interrogator_cuda_taps taps_at(const std::int32_t* words, const Side& side) {
  return {words, words + side.count, words + 2 * side.count + 1, side.count};
}

/// What of the image the taps read, row after row.
at::Tensor upload_pixels(const ImageView& image, const Side& columns, const Side& rows, c10::Device device) {
  const at::Tensor staged = staging({rows.size, columns.size, kChannels}, at::kByte, device);
  const at::Tensor pixels = at::from_blob(const_cast<std::uint8_t*>(image.data), {image.height, image.width, kChannels}, at::kByte);
  staged.copy_(pixels.narrow(0, rows.first, rows.size).narrow(1, columns.first, columns.size));
  return upload_staged(staged, device);
}

/// Undefined where the kernels do not take it.
at::Tensor run_kernel(const CudaKernels& kernels, const ImageView& image, const ImagePreprocess& preprocess, c10::Device device,
                      at::ScalarType type) {
  const ResizePlan plan = plan_resize(image.width, image.height, preprocess);
  const Side columns(image.width, plan.resized_width, plan.left, preprocess.width, plan.filter);
  const Side rows(image.height, plan.resized_height, plan.top, preprocess.height, plan.filter);
  const NormalisedValues values = normalised_values(preprocess);
  std::vector<std::int32_t> table(sizeof(values) / sizeof(std::int32_t));
  std::memcpy(table.data(), values.data(), sizeof(values));
  std::vector<std::size_t> taps_start;  // of the columns, of the rows
  for (const Taps* const taps : {&columns.taps, &rows.taps}) {
    taps_start.push_back(table.size());
    for (const auto* const numbers : {&taps->first, &taps->offsets, &taps->weights}) {
      table.insert(table.end(), numbers->begin(), numbers->end());
    }
  }
  const at::Tensor uploaded = upload(at::tensor(table), device), pixels = upload_pixels(image, columns, rows, device);
  const auto* const words = uploaded.const_data_ptr<std::int32_t>();
  const at::Tensor result = at::empty({kChannels, preprocess.height, preprocess.width}, at::TensorOptions().device(device).dtype(type));

  interrogator_cuda_image_request request{};
  request.pixels = pixels.const_data_ptr<std::uint8_t>();
  request.height = rows.size;
  request.width = columns.size;
  request.columns = taps_at(words + taps_start[0], columns);
  request.rows = taps_at(words + taps_start[1], rows);
  request.vertical_first = vertical_first(image.width, image.height, plan.resized_width, plan.resized_height);
  request.type = cuda_type(type);
  request.window_width = preprocess.width;
  request.window_height = preprocess.height;
  request.left = columns.window;
  request.top = rows.window;
  request.fill = plan.fill;
  request.values = reinterpret_cast<const float*>(words);
  request.result = result.data_ptr();
  const std::int64_t bytes = kernels.image_workspace(request);
  const at::Tensor workspace = at::empty({bytes}, at::TensorOptions().device(device).dtype(at::kByte));
  return kernels.image(request, workspace.data_ptr(), bytes, current_stream(device)) ? result : at::Tensor();
}

}  // namespace

at::Tensor image_transform_on(const ImageView& image, const ImagePreprocess& preprocess, c10::Device device, at::ScalarType type,
                              const CudaKernels* kernels) {
  if (kernels) {
    if (at::Tensor result = run_kernel(*kernels, image, preprocess, device, type); result.defined()) return result;
  }
  return upload(image_transform(image, preprocess).to(type), device);
}

}  // namespace interrogator::ops
