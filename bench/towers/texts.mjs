/** Labels as token ids: the hub's tokenizers are on the hub, and both sides get the same ids. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { evenly } from '../bench.mjs';
import { internal } from '../ours.mjs';

const LABELS = 128;
const CLIP_TOKENIZER = 'open-clip.json';
/** NLLB's last ids are codes of languages; the first ones of every vocabulary are special. */
const [FIRST_PLAIN, MOST_PLAIN] = [10, 256_000];

/** Flavors of clip-interrogator as tokens of CLIP, without start and end. */
export async function flavorTokens(peer) {
  const { ClipTokenizer } = internal('tokenizer');
  const { TOKENIZERS } = internal('bundles/graph');
  const tokenizer = await ClipTokenizer.load(TOKENIZERS, { file: CLIP_TOKENIZER, clean: 'lower' });
  const list = readFileSync(path.join(await peer.call('vocabulary'), 'flavors.txt'), 'utf8');
  return evenly(list.split('\n').filter(Boolean), LABELS).map((label) => tokenizer.encode(label));
}

/** The labels' ids for a model: of CLIP's tokenizer their own, of others as many, of a fixed sequence. */
export function tokensFor({ header: { manifest } }, texts) {
  const { file } = manifest.tokenizer;
  const { contextLength, sotId, eotId, padId, vocabSize } = manifest.text;
  const room = contextLength - (sotId === null ? 1 : 2);
  const lists = texts.map((ids) => ids.slice(0, room));
  if (file === CLIP_TOKENIZER) return { ids: lists, note: 'flavors' };
  const next = sequence(Math.min(vocabSize, MOST_PLAIN) - FIRST_PLAIN);
  const plain = () => {
    const id = FIRST_PLAIN + next();
    return [sotId, eotId, padId].includes(id) ? plain() : id;
  };
  return { ids: lists.map((list) => list.map(plain)), note: 'random ids, as many a text as flavors have with CLIP’s tokenizer' };
}

/** As open_clip's tokenizers pad them. */
export function padded(lists, { contextLength, sotId, eotId, padId }) {
  return lists.map((ids) => {
    const row = [...(sotId === null ? [] : [sotId]), ...ids, eotId];
    return [...row, ...Array(contextLength - row.length).fill(padId)];
  });
}

/** Numbers from 0 up to `below`, the same in every run. */
function sequence(below) {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
