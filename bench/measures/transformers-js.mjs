/** A second peer, transformers.js over onnxruntime-node: the same CLIP weights as ONNX files. On the CPU only. */
import { CAPTION, evenly } from '../bench.mjs';
import { secondsOf } from '../sampling.mjs';
import { openTransformersJs } from '../transformers-js/prepare.mjs';

const TEXTS = 64;

export const transformersJs = [
  {
    name: 'image-features-transformers.js',
    group: 'transformers.js',
    async plan(bench) {
      const { ours, image } = bench;
      return beside(bench, (other) => ({
        unit: 's per image',
        note: 'from the same JPEG file',
        peerNote: other.description,
        ours: () => secondsOf(async () => (await ours.imageToFeatures(image)).toArray()),
        peer: () => other.seconds('image', { path: image }),
        limit: null,
      }));
    },
  },
  {
    name: 'text-features-transformers.js',
    group: 'transformers.js',
    async plan(bench) {
      const { ours } = bench;
      const set = (number) => evenly(ours.flavors.labels, TEXTS, number).map((flavor) => `${CAPTION}, ${flavor}`);
      return beside(bench, (other) => ({
        unit: `s per ${TEXTS} prompts`,
        note: 'prompts that begin alike, as in a chain; tokenising included',
        peerNote: other.description,
        ours: (number) => secondsOf(async () => (await ours.textToFeatures(set(number))).toArray()),
        peer: (number) => other.seconds('texts', { texts: set(number) }),
        limit: null,
      }));
    },
  },
];

async function beside(bench, plan) {
  if (!bench.onCpu) return { skipped: 'transformers.js is measured on the CPU only' };
  let other;
  try {
    other = await openTransformersJs(bench);
  } catch (error) {
    return { skipped: `transformers.js could not be prepared: ${error.message.split('\n')[0]}` };
  }
  return { ...plan(other), end: () => other.close() };
}
