/** Both sides, ready to be measured: what every measure is told. */
import { sameChoice, sameNumbers } from './agreement.mjs';
import { readManifest } from './limits.mjs';
import { configFor, internal, openOurs } from './ours.mjs';
import { peerDevice } from './peer.mjs';

export const CAPTION = 'a woman in an orange space suit standing in front of a flag';
const MERGED = ['artists', 'flavors', 'mediums', 'movements', 'trendings'];

export class Bench {
  /**
   * Opens both sides on the same models; label embeddings that are not there yet are made by ours, and the peer takes them.
   * `options` have `threads`, which both sides take.
   */
  static async open(peer, prepared, options) {
    const ours = await openOurs(configFor(prepared, options));
    await peer.load(prepared, options);
    return new Bench(ours, peer, prepared, options, await ours.imageToFeatures(prepared.images[0]));
  }

  constructor(ours, peer, prepared, options, features) {
    const { images } = prepared;
    /** `image` is that of all measures that take one, and `features` are its own. */
    Object.assign(this, { ours, peer, prepared, options, images, image: images[0], features });
    /** The bundles' manifests. */
    this.clip = readManifest(prepared.clip.bundle);
    this.captioner = prepared.caption && readManifest(prepared.caption.bundle);
  }

  /** The labels of the tables that best and fast mode rank as one. */
  get mergedLabels() {
    return MERGED.flatMap((name) => this.ours[name].labels);
  }

  /** What of a list the peer is measured on: on the CPU, where it is slow, a part. */
  partFor(list, count) {
    return this.options.device === 'cpu' ? evenly(list, count) : list;
  }

  machineRates = () => this.peer.call('machine_rates', { device: peerDevice(this.options.device) });

  /** Throws where features of images and texts, or captions, are not the same on both sides. Resolves with the greatest difference. */
  async agree() {
    const paths = this.images.slice(0, 3);
    const texts = [CAPTION, ...evenly(this.mergedLabels, 15)];
    const images = await Promise.all(paths.map(async (path) => (await this.ours.imageToFeatures(path)).toArray()));
    const mine = { image: images.flatMap((row) => [...row]), text: [...(await (await this.ours.textToFeatures(texts)).toArray())] };
    const theirs = {
      image: (await this.peer.call('image_features', { paths })).flat(),
      text: (await this.peer.call('text_features', { texts })).flat(),
    };
    const differences = Object.keys(mine).map((kind) => sameNumbers(`${kind} features`, mine[kind], theirs[kind], this.options));
    if (this.captioner) {
      const ids = await this.peer.call('caption_ids', { path: this.image });
      sameChoice('caption', await this.captionIds(), ids.join(), this.options);
    }
    return Math.max(...differences);
  }

  /** Of the image, the prompt's ids included, as transformers gives them. */
  async captionIds() {
    const { decodeImage } = internal('image');
    const { captioner, config, binding } = this.ours.engine;
    const image = await decodeImage(this.image);
    const ids = await captioner.model.generate(binding.copyImage({ ...image, channels: 3 }), { maxTokens: config.captionMaxLength });
    image.release();
    return [...this.captioner.decoder.promptIds, ...ids].join();
  }
}

/** `count` items at even distances, the whole list where it has no more; `offset` shifts them all. */
export function evenly(list, count, offset = 0) {
  if (list.length <= count) return [...list];
  return Array.from({ length: count }, (_, i) => list[(Math.floor((i * list.length) / count) + offset) % list.length]);
}
