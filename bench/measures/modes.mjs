/** Whole answers: captions, and prompts in each mode. */
import { sameChoice, samePrompt } from '../agreement.mjs';
import { CAPTION } from '../bench.mjs';
import { captionSeconds, rankedImageLimit } from '../limits.mjs';
import { secondsOf } from '../sampling.mjs';

const PEER_IMAGES = 8;

export const caption = {
  name: 'caption',
  needsCaptioner: true,
  async plan({ ours, peer, image, captioner, options }) {
    sameChoice('caption', await ours.generateCaption(image), await peer.call('caption', { path: image }), options);
    const tokens = (await peer.call('caption_ids', { path: image })).length - captioner.decoder.promptIds.length;
    return {
      unit: `s per caption of ${tokens} tokens`,
      note: 'random weights repeat a token, which is drafted rightly each time; the limit takes the longer of decoding’s arithmetic and of reading the decoder’s weights once',
      ours: () => secondsOf(() => ours.generateCaption(image)),
      peer: () => peer.seconds('caption', { path: image }),
      limit: (rates) => captionSeconds(tokens, captioner, rates),
    };
  },
};

export const fast = promptMode(
  'fast',
  'interrogateFast',
  'from a file, the caption given; the limit is the image tower and the embeddings read once',
);
export const classic = promptMode('classic', 'interrogateClassic', 'as fast');

function promptMode(name, method, note) {
  return {
    name,
    async plan(bench) {
      const { ours, peer, image, options } = bench;
      const work = { mode: name, paths: [image], caption: CAPTION };
      const { result } = await peer.timed('prompts', work);
      samePrompt(`${name} prompt`, await ours[method](image, { caption: CAPTION }), result[0], options);
      return {
        unit: 's per image',
        note,
        ours: () => secondsOf(() => ours[method](image, { caption: CAPTION })),
        peer: () => peer.seconds('prompts', work),
        limit: rankedImageLimit(bench, 1),
      };
    },
  };
}

export const throughputFast = {
  name: 'throughput-fast-64',
  plan(bench) {
    const { ours, peer, images } = bench;
    const part = bench.partFor(images, PEER_IMAGES);
    const scale = images.length / part.length;
    return {
      unit: `s per ${images.length} images`,
      note: `${images.length} different images at once, from files, captions given; the limit reads the embeddings once for all`,
      peerNote: `one after the other${scale > 1 ? `; ${part.length} of them, scaled` : ''}`,
      ours: () => secondsOf(() => Promise.all(images.map((image) => ours.interrogateFast(image, { caption: CAPTION })))),
      peer: async () => scale * (await peer.seconds('prompts', { mode: 'fast', paths: part, caption: CAPTION })),
      limit: rankedImageLimit(bench, images.length),
    };
  },
};
