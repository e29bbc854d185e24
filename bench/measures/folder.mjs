/** A folder of pictures, as the command line takes it, beside the reference in a loop over the same files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { samePrompt } from '../agreement.mjs';
import { atOnce } from '../at-once.mjs';
import { CAPTION } from '../bench.mjs';
import { withComment } from '../commented-jpeg.mjs';
import { captionSeconds, rankedImageLimit } from '../limits.mjs';
import { library } from '../ours.mjs';
import { median, secondsOf } from '../sampling.mjs';

const PEER_IMAGES = 4;
/** Calls at the same time of which the best counts as the engine alone. */
const AT_ONCE = [8, 16];
/** Captions take most of the time: fewer images tell as much of it. Without them a run would be over before its devices are full. */
const IMAGES = { made: 24, given: 256 };

export const folder = {
  name: 'folder-fast',
  group: 'folder',
  needsCaptioner: true,
  plan: (bench) => folderPlan(bench, undefined),
};

export const folderCaptioned = {
  name: 'folder-fast-captioned',
  group: 'folder',
  plan: (bench) => folderPlan(bench, CAPTION),
};

async function folderPlan(bench, caption) {
  const { ours, peer, options } = bench;
  const set = mkdtempSync(path.join(tmpdir(), 'bench-set-'));
  const images = copies(bench.images, caption ? IMAGES.given : IMAGES.made, set);
  const part = bench.partFor(images, PEER_IMAGES);
  const scale = images.length / part.length;
  const work = { mode: 'fast', paths: part, caption: caption ?? null };
  const { result } = await peer.timed('prompts', work);
  const ofCaption = caption ? () => 0 : await captionLimit(bench);
  const ofImages = rankedImageLimit(bench, images.length);
  const rows = new Map(await run(ours, images, caption, (row) => [row.name, row.texts[0].text]));
  for (const [i, image] of part.entries()) samePrompt(`fast prompt of ${path.basename(image)}`, rows.get(image), result[i], options);
  return {
    unit: `s per ${images.length} images`,
    note: `a folder run with its ledger, into a JSONL file, models loaded${caption ? ', captions given' : ', captions made'}; compared with the engine alone at its best number of calls`,
    peerNote: `one after the other in a loop${scale > 1 ? `; ${part.length} of them, scaled` : ''}`,
    ours: () => secondsOf(() => run(ours, images, caption, () => undefined)),
    peer: async () => scale * (await peer.seconds('prompts', work)),
    beside: () => bestSeconds(ours, images, caption),
    limit: ofImages && ((rates) => images.length * ofCaption(rates) + ofImages(rates)),
    end: () => rmSync(set, { recursive: true, force: true }),
    compare: ({ ours: folders, beside }) => ({ engine_alone_s: median(beside), of_engine_alone: median(beside) / median(folders) }),
  };
}

/** Seconds of the caption of an image at a machine's rates. Random weights come to the same number of tokens for all. */
async function captionLimit({ peer, image, captioner }) {
  const ids = await peer.call('caption_ids', { path: image });
  return (rates) => captionSeconds(ids.length - captioner.decoder.promptIds.length, captioner, rates);
}

/** So many different images of the same pixels. */
function copies(images, count, folder) {
  return Array.from({ length: count }, (_, i) => {
    const file = path.join(folder, `${i}.jpg`);
    writeFileSync(file, withComment(readFileSync(images[i % images.length]), `image ${i}`));
    return file;
  });
}

/** The images from their folder; the state is new each time. */
async function run(ours, images, caption, take) {
  const work = mkdtempSync(path.join(tmpdir(), 'bench-folder-'));
  try {
    const rows = [];
    const task = { kind: 'interrogate', modes: ['fast'], ...(caption && { caption }) };
    const out = [path.join(work, 'out.jsonl')];
    for await (const row of library().runFolder(images, { interrogators: [ours], task, out })) rows.push(take(row));
    return rows;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The engine alone: the same images, so many calls at a time. */
async function bestSeconds(ours, images, caption) {
  const taken = [];
  for (const calls of AT_ONCE) {
    taken.push(await secondsOf(() => atOnce(calls, images, (image) => ours.interrogateFast(image, { ...(caption && { caption }) }))));
  }
  return Math.min(...taken);
}
