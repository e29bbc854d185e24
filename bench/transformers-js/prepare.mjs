/** transformers.js on the peer's weights: its packages, the ONNX files, and a process that runs it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fingerprint, once, quietly, ROOT, StepError, title } from '../../scripts/step.mjs';
import { sameNumbers } from '../agreement.mjs';
import { CAPTION } from '../bench.mjs';
import { WORK } from '../prepare.mjs';

const { ReferenceProcess } = createRequire(import.meta.url)('../../test/parity/reference-process.cjs');
const FOLDER = path.join(ROOT, 'bench');
const SERVER = path.join(FOLDER, 'transformers-js', 'server.mjs');
const EXPORT = path.join(FOLDER, 'peer', 'export_onnx.py');
const REQUIREMENTS = path.join(FOLDER, 'peer', 'onnx-requirements.txt');
/** The tokens of a text whose parts the tokenizer's file leaves out, because ours puts them where they belong itself. */
const START = '<start_of_text>';
const END = '<end_of_text>';
/** transformers.js resizes otherwise than Pillow. */
const LEAST_COSINE = 0.98;

/** Resolves with {description, seconds(work, arguments), close()}. Rejects where an ONNX export cannot be made or run. */
export async function openTransformersJs(bench) {
  const { prepared, options } = bench;
  await installPackages();
  const model = path.join(prepared.clip.folder, 'onnx');
  await exportOnnx(options.python, prepared.clip.reference, model);
  completeTokenizer(prepared.clip.bundle, bench.clip, model);
  const server = new ReferenceProcess(process.execPath, SERVER);
  try {
    const { versions } = await server.call('open', { model, threads: options.threads });
    const accuracy = await agreement(bench, server);
    return {
      description: `transformers.js ${versions.transformers} over onnxruntime-node ${versions.onnxruntime}, in a process of its own; ${accuracy}`,
      seconds: async (work, args) => (await server.call(work, args)).seconds,
      close: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function installPackages() {
  const input = fingerprint(['bench/package-lock.json']);
  await once('bench-packages', { input, outputs: ['bench/node_modules/@huggingface/transformers'] }, async () => {
    title('Installing transformers.js (500 MB)');
    const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
    const args = [...npm.slice(1), 'ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    await quietly('bench-npm', npm[0], args, { cwd: FOLDER, fail: 'npm ci failed in bench/.' });
  });
}

async function exportOnnx(python, reference, model) {
  const packages = path.join(WORK, 'onnx-packages');
  const wanted = fingerprint(['bench/peer/onnx-requirements.txt'], [python]);
  await once('bench-onnx-packages', { input: wanted, outputs: [path.relative(ROOT, path.join(packages, 'onnx'))] }, async () => {
    title('Installing onnx for the export');
    const args = ['-m', 'pip', 'install', '--no-deps', '--upgrade', '--target', packages, '-r', REQUIREMENTS];
    await quietly('bench-onnx-packages', python, args, { fail: 'onnx could not be installed.' });
  });
  const input = fingerprint(['bench/peer/export_onnx.py'], [wanted, reference]);
  const output = path.relative(ROOT, path.join(model, 'tokenizer_config.json'));
  await once(`bench-onnx-${path.basename(path.dirname(model))}`, { input, outputs: [output] }, async () => {
    title('Exporting the CLIP model to ONNX');
    await quietly('bench-onnx', python, [EXPORT, model, JSON.stringify(reference)], {
      env: { PYTHONPATH: packages },
      fail: 'The CLIP model could not be exported to ONNX.',
    });
  });
}

/** The bundle's tokenizer with the start and end tokens that transformers.js expects a tokenizer to add. */
function completeTokenizer(bundle, { tokenizer, text }, model) {
  const content = JSON.parse(readFileSync(path.join(bundle, tokenizer.file), 'utf8'));
  const special = (token) => ({ SpecialToken: { id: token, type_id: 0 } });
  const single = [special(START), { Sequence: { id: 'A', type_id: 0 } }, special(END)];
  const ids = { [START]: text.sotId, [END]: text.eotId };
  content.normalizer = { type: 'Lowercase' };
  content.post_processor = {
    type: 'TemplateProcessing',
    single,
    pair: [...single, { Sequence: { id: 'B', type_id: 0 } }, special(END)],
    special_tokens: Object.fromEntries(Object.entries(ids).map(([id, number]) => [id, { id, ids: [number], tokens: [id] }])),
  };
  writeFileSync(path.join(model, 'tokenizer.json'), JSON.stringify(content));
}

/** Texts must agree as the first peer's do; images nearly. */
async function agreement({ ours, image, options }, server) {
  const texts = [CAPTION, `${CAPTION}, oil on canvas, trending on artstation`];
  const mine = [...(await (await ours.textToFeatures(texts)).toArray())];
  const { features } = await server.call('texts', { texts });
  const difference = sameNumbers('text features of transformers.js', mine, features, options);
  const mineOfImage = await (await ours.imageToFeatures(image)).toArray();
  const { features: theirs } = await server.call('image', { path: image });
  const cosine = mineOfImage.reduce((sum, value, i) => sum + value * theirs[i], 0);
  if (cosine < LEAST_COSINE) throw new StepError(`its image features are another image's: cosine ${cosine.toFixed(4)} with ours`);
  return `text features differ by ${difference.toExponential(1)}, image features have cosine ${cosine.toFixed(4)} with ours`;
}
