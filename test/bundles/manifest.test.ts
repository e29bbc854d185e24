/** Manifests that nobody's exporter wrote: each is read within bounds and refused by the field that is wrong. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readBundle } from '../../lib/bundles/bundle';
import { answered } from '../fuzz/support/fuzz';

const SAMPLE = path.join(__dirname, '..', '..', 'models', 'sample');
type Fields = Record<string, unknown>;
const sample = (kind: string): Fields => JSON.parse(readFileSync(path.join(SAMPLE, kind, 'manifest.json'), 'utf8'));

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'manifest-'));
  file = path.join(folder, 'manifest.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const INVALID = { name: 'InterrogatorError', code: 'ERR_BUNDLE_INVALID' };

test.each(['clip', 'caption'])("the sample's %s manifest is read, fields that are not known left out of account", async (kind) => {
  writeFileSync(file, JSON.stringify({ ...sample(kind), somethingNew: [{}] }));
  expect((await readBundle(folder)).manifest).toMatchObject(sample(kind));
});

/** What a bundle that holds its weights may lack. */
const OPTIONAL = ['vocabulary', 'logits'];

test('manifests of older exporters open: the fields that they had are left out of account', async () => {
  const old = { torchVersion: '2.11.0', device: null };
  const clip = sample('clip');
  writeFileSync(file, JSON.stringify({ ...clip, ...old, image: { ...(clip.image as Fields), tower: 'resnet' } }));
  await expect(readBundle(folder)).resolves.toMatchObject({ manifest: clip });
  const caption = sample('caption');
  writeFileSync(file, JSON.stringify({ ...caption, ...old, decoder: { ...(caption.decoder as Fields), bosId: 5, padId: 0 } }));
  await expect(readBundle(folder)).resolves.toMatchObject({ manifest: caption });
});

// One that opens lists and objects, inside each of the fields or instead of the whole.
const nested = (depth: number, open: string, close: string): string => open.repeat(depth) + close.repeat(depth);
const deep = [100, 20_000, 100_000].flatMap((depth) => [nested(depth, '[', ']'), nested(depth, '{"a":', '}').replace(':}', ':0}')]);

test.each(['clip', 'caption'])(
  'a %s manifest that is nested deep is refused, wherever it is',
  async (kind) => {
    const manifest = sample(kind);
    for (const text of deep) {
      const places = ['NEW', ...Object.keys(manifest)].map((field) =>
        JSON.stringify({ ...manifest, [field]: 'PLACE' }).replace('"PLACE"', () => text),
      );
      for (const whole of [text, ...places]) {
        writeFileSync(file, whole);
        await expect(readBundle(folder)).rejects.toMatchObject(INVALID);
      }
    }
  },
  120_000,
);

test.each([5e6, 600e6, 5e9])('a manifest of %d bytes is refused before it is read', async (bytes) => {
  writeFileSync(file, JSON.stringify(sample('clip')));
  truncateSync(file, bytes);
  const before = process.memoryUsage.rss();
  await expect(readBundle(folder)).rejects.toMatchObject(INVALID);
  expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
});

test('a manifest that is a pipe or a folder is refused, not waited for', async () => {
  execFileSync('mkfifo', [file]);
  await expect(answered(readBundle(folder), 10)).rejects.toMatchObject(INVALID);
  await expect(readBundle(path.dirname(folder))).rejects.toMatchObject({ code: 'ERR_BUNDLE_NOT_FOUND' });
});

/** Every path to a value in `fields`, but for those that nothing reads. */
function paths(fields: unknown, at: string[] = []): string[][] {
  if (fields === null || typeof fields !== 'object') return [at];
  const ignored = ['precision', 'source', 'formatVersion'];
  const inner = Object.entries(fields).filter(([name]) => at.length > 0 || !ignored.includes(name));
  return [...(at.length > 0 ? [at] : []), ...inner.flatMap(([name, value]) => paths(value, [...at, name]))];
}

const ODD: unknown[] = [null, true, -1, 1.5, 1e300, '', '\0', [], [null], {}, { file: {} }, [[[]]]];

test.each(['clip', 'caption'])('a value of an odd type in any field of a %s manifest is refused, and the field named', async (kind) => {
  const known = paths(sample(kind));
  expect(known.length).toBeGreaterThan(40);
  for (const at of known) {
    for (const odd of ODD) {
      const manifest = structuredClone(sample(kind));
      const holder = at.slice(0, -1).reduce((inner, name) => inner[name] as Fields, manifest);
      const last = at.at(-1) as string;
      // A list of no term lists is a list, a mean may be any small number, and a name any text.
      const isFine =
        (last === 'vocabulary' && JSON.stringify(odd) === '[]') ||
        (at[1] === 'mean' && typeof odd === 'number' && Math.abs(odd) < 10) ||
        (['std', 'scale'].includes(at[1] as string) && odd === 1.5) ||
        (last === 'name' && odd === '\0');
      if (isFine) continue;
      holder[last] = odd;
      writeFileSync(file, JSON.stringify(manifest));
      const message = expect.stringContaining(last.length < 30 && !/^\d+$/.test(last) && at[0] !== 'files' ? (at[0] as string) : file);
      await expect(readBundle(folder)).rejects.toMatchObject({ ...INVALID, message });
    }
    if (at.length === 1 && !OPTIONAL.includes(at[0] as string)) {
      writeFileSync(file, JSON.stringify({ ...sample(kind), [at[0] as string]: undefined }));
      await expect(readBundle(folder)).rejects.toMatchObject(INVALID);
    }
  }
});

test('fields that contradict each other are refused', async () => {
  const [clip, caption] = [sample('clip') as Record<string, Fields>, sample('caption') as Record<string, Fields>];
  const wrong: [Fields, string][] = [
    [{ ...clip, text: { ...clip.text, eotId: clip.text?.vocabSize } }, 'text.eotId'],
    [{ ...clip, text: { ...clip.text, width: 130 } }, 'text.width'],
    [{ ...caption, decoder: { ...caption.decoder, promptIds: [5, 1e6] } }, 'decoder.promptIds'],
    [{ ...caption, decoder: { ...caption.decoder, promptIds: Array(64).fill(5) } }, 'decoder.promptIds'],
    ...['../x', '/etc/passwd', 'a//b', './a', 'a/..', 'a\\b', 'C:a', 'a\0', ''].map((name): [Fields, string] => [
      { ...clip, files: { ...clip.files, [name]: { bytes: 0, sha256: '0'.repeat(64) } } },
      'not a path inside the bundle',
    ]),
  ];
  for (const [manifest, named] of wrong) {
    writeFileSync(file, JSON.stringify(manifest));
    await expect(readBundle(folder)).rejects.toMatchObject({ ...INVALID, message: expect.stringContaining(named) });
  }
});
