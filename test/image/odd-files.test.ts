import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { closeDecodeThreads } from '../../lib/image';
import { Random } from '../fuzz/support/random';
import { runPython } from '../support/python';
import { removeFolder, temporaryFolder } from '../tokenizer/reference';
import { oddFiles } from './odd-files';
import { type Comparison, compare, type Entry } from './pillow';

const folder = path.join(temporaryFolder(), 'odd');
let index: Record<string, Entry>;

beforeAll(async () => {
  mkdirSync(folder);
  for (const [name, bytes] of await oddFiles((number) => new Random(6, number))) writeFileSync(path.join(folder, name), bytes);
  await runPython([path.join(__dirname, 'judge.py'), folder]);
  index = JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'));
});

afterAll(async () => {
  delete process.env.TORCH_INTERROGATOR_DECODER;
  await closeDecodeThreads();
  removeFolder(path.dirname(folder));
});

/** Of the files that Pillow decodes: ours that differ from its pixels, and how many are equal. */
async function compareAll(pattern: RegExp): Promise<{ differing: (Comparison | string)[]; equal: number }> {
  const sound = Object.entries(index).filter(([name, entry]) => pattern.test(name) && !('error' in entry));
  const found = await Promise.all(sound.map(([name, entry]) => compare(folder, name, entry)));
  const differing = found.filter((result) => typeof result === 'string' || result.largest > 0);
  return { differing, equal: found.length - differing.length };
}

test('what Pillow decodes, sharp decodes to the same pixels', async () => {
  const { differing, equal } = await compareAll(/./);
  expect(differing).toEqual([]);
  expect(equal).toBeGreaterThan(150);
});

test('without sharp what is lossless has the same pixels too', async () => {
  process.env.TORCH_INTERROGATOR_DECODER = 'jimp';
  const { differing, equal } = await compareAll(/\.(?:png|tif|gif|bmp)$/);
  expect(differing).toEqual([]);
  expect(equal).toBeGreaterThan(90);
  const jpegs = await compareAll(/odd.*\.jpg$/);
  expect(jpegs.differing.filter((result) => typeof result === 'string' || result.mean > 8)).toEqual([]);
});
