/** A picture's features: file to unit vector. */
import { imageFlops } from '../limits.mjs';
import { secondsOf } from '../sampling.mjs';

export const imageFeatures = {
  name: 'image-features',
  plan({ ours, peer, picture, clip }) {
    const flops = imageFlops(clip);
    return {
      unit: 's per image',
      note: 'from a JPEG file of 512 × 512; the limit is the image tower alone',
      ours: () => secondsOf(async () => (await ours.imageToFeatures(picture)).toArray()),
      peer: () => peer.seconds('image_features', { path: picture }),
      limit: flops && ((rates) => flops / rates.flops),
    };
  },
};
