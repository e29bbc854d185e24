// What a CLIP model and the prompt trees over it share.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "clip/text_tower.h"
#include "interrogator/clip_model.h"
#include "weights/bundle.h"
#include "weights/module.h"

namespace interrogator {

struct ClipModel::State {
  State(DevicePtr owner, const Bundle& bundle)
      : device(std::move(owner)),
        manifest(bundle.manifest().clip()),
        image(bundle.load(manifest.image_file, device->torch_device(), {"forward"}, device->options().image_products)),
        images_at_once(image.images_at_once(manifest.image.height * manifest.image.width)),
        text(TextTower::open(manifest, bundle, device->torch_device())),
        logits(bundle.logits()),
        remedy(bundle.remedy()),
        bytes(Module::bytes_of({&image, &text->module()})) {
    device->count_weights(bytes);
  }
  ~State() { device->count_weights(-bytes); }

  void move_to(c10::Device target) {
    image.move_to(target);
    text->move_to(target);
  }

  /// pixels as transform_images makes them, B of them → B × embed_dim, float32.
  at::Tensor encode_images(const at::Tensor& pixels) const;

  const DevicePtr device;
  const ClipManifest manifest;
  Module image;
  const std::int64_t images_at_once;  ///< most that go through the image tower together
  std::unique_ptr<TextTower> text;
  const Logits logits;
  const std::string remedy;  ///< for messages: what to do where the model does not do what its manifest says
  const std::int64_t bytes;
};

}  // namespace interrogator
