/** Tokenizers of the hub, of each kind that text towers have: the ids that open_clip's wrapper of transformers gives. */
import path from 'node:path';
import { TOKENIZERS } from '../../lib/bundles/graph';
import { CaptionTokenizer, ClipTokenizer } from '../../lib/tokenizer';
import { cleanText } from '../../lib/tokenizer/clean';
import { hubTokenizers } from '../support/tokenizers';
import { oddTexts } from './odd-texts';
import { CONTEXT, differences, type KindReference, kindReferences, removeFolder, temporaryFolder } from './reference';
import { specialNames } from './special-names';

/** As manifests describe them. `older`: the same in files from before tokenizer.json. */
const KINDS = [
  { kind: 'bert', clean: 'whitespace', sotId: 101, eotId: 0, padId: 0, stripSepId: 102, older: 'bert-vocab' },
  { kind: 'roberta', clean: 'whitespace', sotId: 0, eotId: 2, padId: 1, older: 'roberta-vocab' },
  { kind: 'xlm-roberta', clean: 'whitespace', sotId: 0, eotId: 2, padId: 1, older: 'xlm-roberta-spm' },
  { kind: 'mt5', clean: 'whitespace', sotId: null, eotId: 1, padId: 0, older: 'mt5-spm' },
  { kind: 'siglip', clean: 'canonicalize', sotId: null, eotId: 1, padId: 1, older: 'siglip-spm' },
  { kind: 'nllb', clean: 'whitespace', sotId: 'eng_Latn', eotId: 2, padId: 1 },
  { kind: 'gemma', clean: 'canonicalize', sotId: null, eotId: 1, padId: 0 },
] as const;
type Kind = (typeof KINDS)[number];

const SPECIAL = [
  'a [MASK] b [SEP] c',
  'x <mask> y</s>z <pad>',
  'eng_Latn a',
  '▁▁ a ▁b',
  'word '.repeat(300),
  'x'.repeat(2500),
  '漢'.repeat(90),
];
/** Characters of the classes of which libraries have tables of their own. */
const CLASSES = Array.from({ length: 0x30000 }, (_, code) => code)
  .map((code) => (code >= 0xd800 && code < 0xe000 ? '' : String.fromCodePoint(code)))
  .filter((character) => /^[\p{M}\p{P}\p{S}\p{Cc}\p{Cf}\p{Z}]$/u.test(character));
const BY_CLASS = Array.from({ length: Math.ceil(CLASSES.length / 12) }, (_, i) =>
  CLASSES.slice(i * 12, (i + 1) * 12)
    .map((character) => `a${character}b`)
    .join(' '),
);

const folder = temporaryFolder();
let repositories: string;
const references = new Map<string, { odd: KindReference; vocabulary: KindReference }>();

beforeAll(async () => {
  repositories = await hubTokenizers();
  const jobs = KINDS.flatMap(({ kind, clean, ...rest }, i) => {
    const job = { folder: path.join(repositories, kind), clean, stripSep: 'stripSepId' in rest, step: 5 };
    const texts = [...SPECIAL, ...specialNames(500, i), ...oddTexts(1500, 20 + i), ...BY_CLASS];
    return [
      { ...job, name: `${kind}-odd`, texts },
      { ...job, name: `${kind}-vocabulary`, texts: null },
    ];
  });
  const made = await kindReferences(folder, jobs);
  for (const [i, { kind }] of KINDS.entries()) {
    references.set(kind, { odd: made[2 * i] as KindReference, vocabulary: made[2 * i + 1] as KindReference });
  }
}, 1_800_000);

afterAll(() => removeFolder(folder));

function load({ kind, clean, ...rest }: Kind, repository: string = kind): Promise<ClipTokenizer> {
  return ClipTokenizer.load(path.join(repositories, repository), { clean, ...('stripSepId' in rest && { stripSepId: rest.stripSepId }) });
}

function referenceOf({ kind }: Kind): { odd: KindReference; vocabulary: KindReference } {
  return references.get(kind) as { odd: KindReference; vocabulary: KindReference };
}

/** The reference's tokenizer for CLIPA takes the separator out after it has cut. */
function stripped(kind: Kind, ids: number[]): number[] {
  return 'stripSepId' in kind ? ids.map((id) => (id === kind.stripSepId ? 0 : id)) : ids;
}

describe.each(KINDS.map((kind) => [kind.kind, kind] as const))('%s', (_name, kind) => {
  test('gives the ids of transformers for terms and for odd texts, in each form that a repository may have', async () => {
    const { odd, vocabulary } = referenceOf(kind);
    expect(odd.skip.size).toBeLessThan(odd.texts.length / 3);
    expect(vocabulary.texts.length).toBeGreaterThan(20_000);
    for (const repository of [kind.kind, ...('older' in kind ? [kind.older] : [])]) {
      const tokenizer = await load(kind, repository);
      for (const reference of [vocabulary, odd]) {
        const found = differences(
          reference,
          (text) => Array.from(tokenizer.encode(text)),
          (index) => stripped(kind, reference.tokens(index)),
        );
        expect({ repository, found }).toEqual({ repository, found: [] });
      }
    }
  }, 300_000);

  test('texts are cleaned as by open_clip', () => {
    const { odd } = referenceOf(kind);
    expect(
      differences(
        odd,
        (text) => cleanText(text, kind.clean),
        (index) => odd.cleaned[index],
      ),
    ).toEqual([]);
  });

  test('with start and end token, cut to the context, texts are those that the tower of the reference gets', async () => {
    const { odd } = referenceOf(kind);
    const tokenizer = await load(kind);
    const sotId = kind.sotId === 'eng_Latn' ? (tokenizer.encode('eng_Latn')[0] as number) : kind.sotId;
    const start = sotId === null ? [] : [sotId];
    const texts = { ...odd, texts: odd.texts.slice(0, 1000) };
    const found = differences(
      texts,
      (text) => {
        const ids = [...start, ...tokenizer.encode(text)].slice(0, CONTEXT - 1);
        return [...ids, kind.eotId, ...Array(CONTEXT).fill(kind.padId)].slice(0, CONTEXT);
      },
      (index) => odd.whole(index),
    );
    expect(found).toEqual([]);
  });

  test('a prompt and a phrase behind it give the tokens of the two joined, where splitsCleanly says so', async () => {
    const tokenizer = await load(kind);
    const { odd, vocabulary } = referenceOf(kind);
    const phrases = [...odd.texts.slice(0, 1500), ...vocabulary.texts.filter((_, i) => i % 10 === 0)].filter((text) => text.length < 500);
    const clean = phrases.filter((text) => tokenizer.splitsCleanly(text));
    expect(clean.length).toBeGreaterThan(phrases.length / 2);
    for (const [index, phrase] of clean.entries()) {
      const prompt = clean[(index * 7 + 1) % clean.length] as string;
      const apart = [...tokenizer.encode(`${prompt},`), ...tokenizer.encodeBehind(phrase)];
      expect({ prompt, phrase, ids: Array.from(tokenizer.encode(`${prompt}, ${phrase}`)) }).toEqual({ prompt, phrase, ids: apart });
    }
  }, 300_000);

  test('a long text is cut in a thread, to the same ids', async () => {
    const tokenizer = await load(kind);
    const text = 'soft light, naïve 漢字 [SEP] '.repeat(2000);
    expect(await tokenizer.longTexts.ask('encode', text)).toEqual(tokenizer.encode(text));
    expect(await tokenizer.longTexts.ask('encodeBehind', text)).toEqual(tokenizer.encodeBehind(text));
    expect(await tokenizer.longTexts.ask('splitsCleanly', text)).toBe(tokenizer.splitsCleanly(text));
  });
});

test("the package's file for CLIPA, which captioners share, gives the ids of BERT's own", async () => {
  const [bert] = KINDS;
  const { odd } = referenceOf(bert);
  const tokenizer = await ClipTokenizer.load(TOKENIZERS, { file: 'bert-uncased.json', clean: 'whitespace', stripSepId: 102 });
  const found = differences(
    odd,
    (text) => Array.from(tokenizer.encode(text)),
    (index) => stripped(bert, odd.tokens(index)),
  );
  expect(found).toEqual([]);
  expect(Array.from(tokenizer.encode('a [SEP] b'))).toEqual([1037, 0, 1038]);
});

test('what captions go on from is cut as by transformers, also with a table of replacements', async () => {
  const { odd } = referenceOf({ kind: 'mt5' } as Kind);
  const tokenizer = await CaptionTokenizer.load(path.join(repositories, 'mt5'), {});
  const texts = { ...odd, texts: odd.texts.slice(0, 1500) };
  const encoded = new Map<string, number[]>();
  for (const [i, text] of texts.texts.entries()) encoded.set(text, [...tokenizer.encode(odd.cleaned[i] as string)]);
  const found = differences(
    texts,
    (text) => encoded.get(text),
    (index) => odd.tokens(index),
  );
  expect(found).toEqual([]);
}, 300_000);
