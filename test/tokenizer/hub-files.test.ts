/** The files of tokenizers that repositories of the hub keep: how large ones and broken ones are read. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { ClipTokenizer } from '../../lib/tokenizer';
import { hubTokenizers } from '../support/tokenizers';

let repositories: string;
beforeAll(async () => {
  repositories = await hubTokenizers();
}, 900_000);

test('a vocabulary of a quarter of a million tokens is read while others have their turn', async () => {
  const place = mkdtempSync(path.join(tmpdir(), 'large-tokenizer-'));
  const json = JSON.parse(readFileSync(path.join(repositories, 'mt5', 'tokenizer.json'), 'utf8'));
  for (let i = json.model.vocab.length; i < 250_000; i += 1) json.model.vocab.push([`▁${i.toString(36)}xq`, -30 - i / 1e5]);
  writeFileSync(path.join(place, 'tokenizer.json'), JSON.stringify(json));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const tokenizer = await ClipTokenizer.load(place, { clean: 'whitespace' });
  delay.disable();
  expect(tokenizer.encode('a cat')).toEqual(
    (await ClipTokenizer.load(path.join(repositories, 'mt5'), { clean: 'whitespace' })).encode('a cat'),
  );
  // To read the file alone takes longer, in the thread that does it.
  expect(delay.max / 1e6).toBeLessThan(100);
  rmSync(place, { recursive: true });
}, 300_000);

describe('files that cannot be used', () => {
  let place: string;
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), 'broken-tokenizer-'));
  });
  afterEach(() => rmSync(place, { recursive: true }));

  const refused = (what: RegExp) => ({
    code: 'ERR_TOKENIZER',
    message: expect.stringMatching(what),
    hint: expect.stringContaining('pull'),
  });

  test('a folder without a tokenizer says which files one has', async () => {
    await expect(ClipTokenizer.load(place, { clean: 'lower' })).rejects.toMatchObject(refused(/none of tokenizer\.json, spiece\.model/));
  });

  test.each(['mt5-spm/spiece.model', 'xlm-roberta-spm/sentencepiece.bpe.model', 'gemma/tokenizer.json', 'roberta-vocab/merges.txt'])(
    '%s, cut anywhere, is refused or read without its end, and never hangs',
    async (name) => {
      const whole = readFileSync(path.join(repositories, name));
      for (const share of [0, 0.001, 0.37, 0.9]) {
        cpSync(path.dirname(path.join(repositories, name)), place, { recursive: true });
        truncateSync(path.join(place, path.basename(name)), Math.floor(whole.length * share));
        const loading = ClipTokenizer.load(place, { clean: 'lower' });
        if (name.endsWith('.txt')) await loading.catch((error) => expect(error).toMatchObject(refused(/merges/)));
        else await expect(loading).rejects.toMatchObject(refused(/tokenizer\.json|\.model/));
      }
    },
    120_000,
  );

  const broken: Record<string, (json: Record<string, Record<string, unknown>>) => unknown> = {
    'a model of another kind': (json) => ({ ...json, model: { type: 'WordLevel', vocab: {} } }),
    'a normalizer that is not known': (json) => ({ ...json, normalizer: { type: 'Nmt' } }),
    'a pattern that is not known': (json) => ({
      ...json,
      pre_tokenizer: { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated' },
    }),
    'a damaged table': (json) => ({ ...json, normalizer: { type: 'Precompiled', precompiled_charsmap: 'AAAA/w==' } }),
    'a score that is no number': (json) => ({ ...json, model: { ...json.model, vocab: [['a', null]] } }),
    'an unknown token beyond its vocabulary': (json) => ({ ...json, model: { ...json.model, unk_id: 1e6 } }),
    'steps within steps': (json) => {
      let normalizer: object = { type: 'NFC' };
      for (let i = 0; i < 500; i += 1) normalizer = { type: 'Sequence', normalizers: [normalizer] };
      return { ...json, normalizer };
    },
    'a blank that is written as nothing': (json) => ({ ...json, pre_tokenizer: { type: 'Metaspace', replacement: '' } }),
    'a step that writes a long text': (json) => ({
      ...json,
      normalizer: { type: 'Replace', pattern: { String: 'a' }, content: 'a'.repeat(100) },
    }),
    'hundreds of steps': (json) => ({ ...json, normalizer: { type: 'Sequence', normalizers: Array(500).fill({ type: 'NFC' }) } }),
    'tens of thousands of added tokens': (json) => ({
      ...json,
      added_tokens: Array.from({ length: 20_000 }, (_, id) => ({ id, content: `<${id}>` })),
    }),
    'added tokens that are no list': (json) => ({ ...json, added_tokens: {} }),
    'an added token without a text': (json) => ({ ...json, added_tokens: [{ id: 1 }] }),
    'no object': () => [],
  };

  test.each(Object.keys(broken))('%s is refused', async (name) => {
    const json = JSON.parse(readFileSync(path.join(repositories, 'mt5', 'tokenizer.json'), 'utf8'));
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'tokenizer.json'), JSON.stringify((broken[name] as (json: unknown) => unknown)(json)));
    await expect(ClipTokenizer.load(place, { clean: 'lower' })).rejects.toMatchObject(refused(/tokenizer\.json/));
  });
});
