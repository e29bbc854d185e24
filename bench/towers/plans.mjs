/**
 * What is measured of a model: plans as those of measures/, with `part`, the row's name beside the model's. Each compares both sides'
 * answers first. `bench`: {engine, model, graph, peer, images, texts, readsPadding}.
 */
import { withImage } from '../../scripts/seeded-models.mjs';
import { same, sameNumbers } from '../agreement.mjs';
import { internal } from '../ours.mjs';
import { secondsOf } from '../sampling.mjs';
import { padded, tokensFor } from './texts.mjs';

const CPU = { device: 'cpu' };
const BATCH = 8;
const BEAMS = 3;
const CAPTION_TOKENS = 32;

/** By the measures of models.mjs, what makes each plan. */
export const PLANS = {
  image: [1, BATCH].map((count) => (bench) => imagePlan(bench, count)),
  text: [textPlan],
  caption: [1, BEAMS].map((numBeams) => (bench) => captionPlan(bench, numBeams)),
};

async function imagePlan({ engine, model, peer, images }, count) {
  const paths = images.slice(0, count);
  const encode = async (image) => numbersOf(await model.imageFeatures(image));
  const ours = () => Promise.all(paths.map((file) => withImage(engine, file, encode)));
  const rows = await ours();
  const difference = await compare(
    'image',
    rows.flatMap((row) => [...row]),
    peer,
    'tower_images',
    { paths },
  );
  const flops = count * (await peer.call('tower_flops', { path: paths[0] }));
  return {
    part: count === 1 ? 'image' : `${count} images`,
    unit: count === 1 ? 's per image' : `s per ${count} images`,
    note: 'from JPEG files of 512 × 512 to unit vectors; the limit is the arithmetic of open_clip’s network',
    peerNote: count > 1 && 'one batch',
    fields: { difference },
    ours: () => secondsOf(ours),
    peer: () => peer.seconds('tower_images', { paths }),
    limit: (rates) => flops / rates.flops,
  };
}

async function textPlan({ model, graph, peer, texts, readsPadding }) {
  const { packTokens } = internal('engine/clip');
  const { ids, note } = tokensFor(graph, texts);
  const tokens = padded(ids, graph.header.manifest.text);
  const ours = async () => numbersOf(await model.textFeatures(packTokens(ids)));
  const difference = await compare('text', await ours(), peer, 'tower_texts', { tokens });
  // One text tells for all: they are equally long.
  const flops = readsPadding && ids.length * (await peer.call('tower_flops', { tokens: tokens.slice(0, 1) }));
  return {
    part: 'text',
    unit: `s per ${ids.length} labels`,
    note: flops ? `${note}; the network reads its padding, and the limit is the arithmetic of texts of ${tokens[0].length} tokens` : note,
    peerNote: `padded to ${tokens[0].length} tokens, one chunk, as clip-interrogator does`,
    fields: { difference },
    ours: () => secondsOf(ours),
    peer: () => peer.seconds('tower_texts', { tokens }),
    limit: flops && ((rates) => flops / rates.flops),
  };
}

async function captionPlan({ engine, model, graph, peer, images }, numBeams) {
  const { promptIds, eosId } = graph.header.manifest.decoder;
  const [path] = images;
  const ours = () => withImage(engine, path, (image) => model.generate(image, { maxTokens: CAPTION_TOKENS, numBeams }));
  const work = { path, max_tokens: CAPTION_TOKENS, beams: numBeams };
  const mine = [...(await ours())];
  const theirs = (await peer.timed('tower_caption', work)).result.slice(promptIds.length);
  // What transformers pads a shorter caption with is no token of it.
  const end = theirs.indexOf(eosId);
  same('caption', mine.join(), (end < 0 ? theirs : theirs.slice(0, end + 1)).join());
  return {
    part: numBeams === 1 ? 'caption' : `caption, ${numBeams} beams`,
    unit: `s per caption of ${mine.length} tokens`,
    note: 'random weights repeat tokens, which are drafted rightly where there are no beams',
    ours: () => secondsOf(ours),
    peer: () => peer.seconds('tower_caption', work),
  };
}

/** The greatest difference of features; throws where it is too great. */
async function compare(what, ours, peer, work, args) {
  return sameNumbers(`${what} features`, [...ours], (await peer.timed(work, args)).result.flat(), CPU);
}

async function numbersOf(features) {
  const numbers = await features.toArray();
  features.close();
  return numbers;
}
