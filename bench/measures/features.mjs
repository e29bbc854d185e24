/** An image's features: file to unit vector. */
import { imageFlops } from '../limits.mjs';
import { secondsOf } from '../sampling.mjs';

export const imageFeatures = {
  name: 'image-features',
  plan({ ours, peer, image, clip }) {
    const flops = imageFlops(clip);
    return {
      unit: 's per image',
      note: 'from a JPEG file of 512 × 512; the limit is the image tower alone',
      ours: () => secondsOf(async () => (await ours.imageToFeatures(image)).toArray()),
      peer: () => peer.seconds('image_features', { path: image }),
      limit: flops && ((rates) => flops / rates.flops),
    };
  },
};
