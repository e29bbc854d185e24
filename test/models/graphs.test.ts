/** The package's graphs: made again they are the same, and with a publisher's file they answer as the reference does. */
import { execFile } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { exporterPython, REPOSITORY } from '../support/python';

const GRAPHS = path.join(REPOSITORY, 'models', 'graphs');
/** Of all graphs and tokenizers. */
const MOST_BYTES = 4e6;

async function graphs(...args: string[]): Promise<string> {
  const env = { ...process.env, INTERROGATOR_PYTHON: await exporterPython() };
  const { stderr } = await promisify(execFile)(process.execPath, [path.join(REPOSITORY, 'scripts', 'graphs.mjs'), ...args], { env });
  return stderr;
}

test('they are small beside the package', () => {
  const bytes = ['graphs', 'tokenizers'].flatMap((folder) =>
    readdirSync(path.join(GRAPHS, '..', folder)).map((name) => statSync(path.join(GRAPHS, '..', folder, name)).size),
  );
  expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES);
});

test('some that are made again are the same, byte for byte', async () => {
  expect(await graphs('--check', 'ViT-S-32', 'RN50-quickgelu', 'blip-base')).toContain('are what the exporter makes');
}, 600_000);

test('some answer as the reference with a file that the reference wrote', async () => {
  const told = await graphs('verify', 'ViT-S-32', 'blip-base');
  expect(told.match(/"passed":true/g)).toHaveLength(2);
}, 600_000);

test('of each kind of tower one with two layers answers as open_clip does', async () => {
  const kinds = ['coca_ViT-B-32', 'ViT-L-14-CLIPA', 'xlm-roberta-base-ViT-B-32', 'EVA02-B-16', 'MobileCLIP2-S0'];
  const told = await graphs('verify', '--depth', '2', ...kinds);
  expect(told.match(/"passed":true/g)).toHaveLength(kinds.length);
}, 900_000);
