/** A second peer, transformers.js over onnxruntime-node: the same CLIP weights as ONNX files. On the CPU only. */
import { copyFileSync } from 'node:fs';
import path from 'node:path';
import { fingerprint, once, quietly, ROOT, StepError, title } from '../../scripts/step.mjs';
import { sameNumbers } from '../agreement.mjs';
import { CAPTION, evenly } from '../bench.mjs';
import { WORK } from '../prepare.mjs';
import { secondsOf } from '../sampling.mjs';
import { startModule } from '../serve.mjs';

const TEXTS = 64;
/** transformers.js resizes otherwise than Pillow. */
const LEAST_COSINE = 0.98;

export const transformersJs = [
  measure('image-features-transformers.js', ({ ours, image }, seconds) => ({
    unit: 's per image',
    note: 'from the same JPEG file',
    ours: () => secondsOf(async () => (await ours.imageToFeatures(image)).toArray()),
    peer: () => seconds('image', { path: image }),
  })),
  measure('text-features-transformers.js', ({ ours }, seconds) => {
    const set = (number) => evenly(ours.flavors.labels, TEXTS, number).map((flavor) => `${CAPTION}, ${flavor}`);
    return {
      unit: `s per ${TEXTS} prompts`,
      note: 'prompts that begin alike, as in a chain; tokenising included',
      ours: (number) => secondsOf(async () => (await ours.textToFeatures(set(number))).toArray()),
      peer: (number) => seconds('texts', { texts: set(number) }),
    };
  }),
];

function measure(name, plan) {
  return {
    name,
    group: 'transformers.js',
    async plan(bench) {
      if (!bench.onCpu) return { skipped: 'transformers.js is measured on the CPU only' };
      let server;
      try {
        const model = await prepareModel(bench);
        server = startModule('peer/transformers-js.mjs');
        const peerNote = await open(server, model, bench);
        const seconds = async (work, given) => (await server.call(work, given)).seconds;
        return { ...plan(bench, seconds), peerNote, end: () => server.stop() };
      } catch (error) {
        await server?.stop();
        return { skipped: `transformers.js could not be prepared: ${error.message.split('\n')[0]}` };
      }
    },
  };
}

/** The folder of the ONNX files. Rejects where they cannot be made. */
async function prepareModel({ prepared: { clip }, clip: { tokenizer }, options }) {
  const model = path.join(clip.folder, 'onnx');
  await installPackages();
  await exportOnnx(options.python, clip.reference, model);
  copyFileSync(path.join(clip.bundle, tokenizer.file), path.join(model, 'tokenizer.json'));
  return model;
}

async function installPackages() {
  const input = fingerprint(['bench/package-lock.json']);
  await once('bench-packages', { input, outputs: ['bench/node_modules/@huggingface/transformers'] }, async () => {
    title('Installing transformers.js (500 MB)');
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    await quietly('bench-npm', 'npm', args, { cwd: path.join(ROOT, 'bench'), fail: 'npm ci failed in bench/.' });
  });
}

async function exportOnnx(python, reference, model) {
  const packages = path.join(WORK, 'onnx-packages');
  const wanted = fingerprint(['bench/peer/onnx-requirements.txt'], [python]);
  await once('bench-onnx-packages', { input: wanted, outputs: [path.relative(ROOT, path.join(packages, 'onnx'))] }, async () => {
    title('Installing onnx for the export');
    const requirements = path.join(ROOT, 'bench', 'peer', 'onnx-requirements.txt');
    const args = ['-m', 'pip', 'install', '--no-deps', '--upgrade', '--target', packages, '-r', requirements];
    await quietly('bench-onnx-packages', python, args, { fail: 'onnx could not be installed.' });
  });
  const input = fingerprint(['bench/peer/export_onnx.py'], [wanted, reference]);
  const output = path.relative(ROOT, path.join(model, 'tokenizer_config.json'));
  await once(`bench-onnx-${path.basename(path.dirname(model))}`, { input, outputs: [output] }, async () => {
    title('Exporting the CLIP model to ONNX');
    const script = path.join(ROOT, 'bench', 'peer', 'export_onnx.py');
    await quietly('bench-onnx', python, [script, model, JSON.stringify(reference)], {
      env: { PYTHONPATH: packages },
      fail: 'The CLIP model could not be exported to ONNX.',
    });
  });
}

/**
 * Resolves with what the server runs and how near it is to ours. Rejects where the files cannot be run, or texts do not agree as
 * the first peer's do, images nearly.
 */
async function open(server, model, { ours, image, options }) {
  const { transformers, onnxruntime } = await server.call('open', { model, threads: options.threads });
  const texts = [CAPTION, `${CAPTION}, oil on canvas, trending on artstation`];
  const mine = [...(await (await ours.textToFeatures(texts)).toArray())];
  const { features } = await server.call('texts', { texts });
  const difference = sameNumbers('text features of transformers.js', mine, features, options);
  const mineOfImage = await (await ours.imageToFeatures(image)).toArray();
  const { features: theirs } = await server.call('image', { path: image });
  const cosine = mineOfImage.reduce((sum, value, i) => sum + value * theirs[i], 0);
  if (cosine < LEAST_COSINE) throw new StepError(`its image features are another image's: cosine ${cosine.toFixed(4)} with ours`);
  return (
    `transformers.js ${transformers} over onnxruntime-node ${onnxruntime}, in a process of its own; ` +
    `text features differ by ${difference.toExponential(1)}, image features have cosine ${cosine.toFixed(4)} with ours`
  );
}
