/** Ranking a long table against one image. */
import { StepError } from '../../scripts/step.mjs';
import { toleranceOf } from '../agreement.mjs';
import { evictCaches } from '../caches.mjs';
import { labelBytes } from '../limits.mjs';
import { secondsOf } from '../sampling.mjs';

const TOP = 32;

export const rankFlavors = {
  name: 'rank-flavors',
  async plan({ ours, peer, image, features, clip, options }) {
    const { flavors, mediums } = ours;
    const arguments_ = { path: image, table: 'flavors', top: TOP, reverse: false };
    const few = { path: image, table: 'mediums', top: 1, reverse: false };
    await sameTop(flavors, features, (await peer.timed('rank_table', arguments_)).result, toleranceOf(options));
    const bytes = labelBytes(flavors.length, clip.embedDim);
    return {
      unit: `s per ranking of ${flavors.length} labels`,
      note:
        `the best ${TOP}, by quota, nothing of them in a cache; a short table is ranked before, so that the program is in them; ` +
        'the limit is the float16 embeddings read once',
      ours: async () => {
        evictCaches();
        await mediums.rank(features, { topCount: 1 });
        return secondsOf(() => flavors.rank(features, { topCount: TOP }));
      },
      peer: async () => {
        evictCaches();
        await peer.timed('rank_table', few);
        return peer.seconds('rank_table', arguments_);
      },
      limit: (rates) => bytes / rates.bytes,
    };
  },
};

/** Each of the peer's labels is among ours, or ties with our last. */
async function sameTop(table, features, theirs, { tie }) {
  const ranked = await table.rankScored(features, { topCount: 2 * TOP });
  const last = ranked[Math.min(TOP, ranked.length) - 1].similarity;
  const good = new Set(ranked.filter(({ similarity }) => similarity >= last - tie).map(({ label }) => label));
  const strange = theirs.filter((label) => !good.has(label));
  if (strange.length > 0) throw new StepError(`The peer's best flavors are not ours: ${strange.slice(0, 3).join(', ')} …`);
}
