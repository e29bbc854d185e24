/** Texts in bulk: the embeddings of a label table, and tokenising a whole vocabulary. */
import { createHash } from 'node:crypto';
import { same } from '../agreement.mjs';
import { evenly } from '../bench.mjs';
import { textsFlops } from '../limits.mjs';
import { internal, library } from '../ours.mjs';
import { median, secondsOf } from '../sampling.mjs';

const LABELS = 1000;
const PEER_LABELS = 128;

export const textLabels = {
  name: 'text-1000-labels',
  async plan(bench) {
    const { ours, peer, clip, options } = bench;
    // Other labels in every run: a phrase is tokenised once only.
    const set = (number) => evenly(ours.flavors.labels, LABELS, number);
    const part = (number) => bench.partFor(set(number), PEER_LABELS);
    const flops = [];
    for (let number = 1; number <= options.samples; number += 1) {
      flops.push(textsFlops(await peer.call('tokens', { texts: set(number) }), clip));
    }
    const scale = set(0).length / part(0).length;
    return {
      unit: `s per ${set(0).length} labels`,
      note: 'a LabelTable of flavors, tokenising included; other flavors in every run',
      peerNote: scale > 1 && `${part(0).length} of the labels, scaled`,
      ours: (number) => secondsOf(() => library().LabelTable.create(set(number), null, ours)),
      peer: async (number) => scale * (await peer.seconds('label_table', { labels: part(number) })),
      limit: (rates) => median(flops) / rates.flops,
    };
  },
};

export const tokenizing = {
  name: 'tokenize-107k',
  plan({ peer, prepared, clip, mergedLabels }) {
    const { Clip } = internal('engine/clip');
    let digest;
    return {
      unit: `s per ${mergedLabels.length} labels`,
      note: 'all labels of the merged tables, by a tokenizer that has seen none of them',
      ours: async () => {
        const tokenizing = await Clip.load({ folder: prepared.clip.bundle, manifest: clip }, null, {});
        let lists;
        const seconds = await secondsOf(async () => {
          lists = await tokenizing.encodeAll(mergedLabels, {});
        });
        digest = digestOf(lists, clip.text);
        return seconds;
      },
      peer: async () => {
        const { seconds, result } = await peer.call('timed_tokenize');
        same('token ids', digest, result);
        return seconds;
      },
      limit: null,
    };
  },
};

/** Of the ids as open_clip pads them, int32. */
function digestOf(lists, { contextLength, padId, sotId, eotId }) {
  const padded = new Int32Array(lists.length * contextLength).fill(padId);
  for (const [i, ids] of lists.entries()) {
    padded.set([sotId, ...ids.subarray(0, contextLength - 2), eotId], i * contextLength);
  }
  return createHash('sha256').update(padded).digest('hex');
}
