/**
 * npm run bench:precision: what bfloat16 changes of the answers, and how long image features take in either precision, in turn.
 * `--clip`, `--caption`: models (default: the sample pair); images follow (default: 64 made-up ones). `--json FILE` writes the figures.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/setup.mjs';
import { main, ROOT } from '../scripts/step.mjs';
import { atOnce } from './at-once.mjs';
import { library } from './ours.mjs';
import { median, secondsOf } from './sampling.mjs';

const require = createRequire(import.meta.url);
const IMAGES = 64;
const SAMPLES = 5;
const TERMS = 32;
const AT_ONCE = 16;

await main(async () => {
  const { values, positionals } = parseArgs({
    options: { clip: { type: 'string', default: 'sample' }, caption: { type: 'string', default: 'sample' }, json: { type: 'string' } },
    allowPositionals: true,
  });
  await setUp();
  const work = mkdtempSync(path.join(tmpdir(), 'precision-'));
  const open = (imagePrecision) => openOurs(values, imagePrecision, work);
  const [exact, rounded] = [await open('float32'), await open('bfloat16')];
  try {
    const images = positionals.length > 0 ? positionals : await madeUp(work);
    const [right, near] = [await answersOf(exact, images), await answersOf(rounded, images)];
    const seconds = { float32: [], bfloat16: [] };
    for (let i = 0; i < SAMPLES; i += 1) {
      seconds.float32.push(await secondsOf(() => atOnce(AT_ONCE, images, (image) => featuresOf(exact, image))));
      seconds.bfloat16.push(await secondsOf(() => atOnce(AT_ONCE, images, (image) => featuresOf(rounded, image))));
    }
    const cosines = right.map(({ features }, i) => dot(features, near[i].features));
    const shared = right.map(({ terms }, i) => terms.filter((term) => near[i].terms.includes(term)).length / terms.length);
    const figures = {
      images: images.length,
      least_cosine: Math.min(...cosines),
      shared_terms: shared.reduce((sum, each) => sum + each, 0) / shared.length,
      same_best_term: right.filter(({ terms }, i) => terms[0] === near[i].terms[0]).length,
      same_captions: right.filter(({ caption }, i) => caption === near[i].caption).length,
      ms_an_image: Object.fromEntries(Object.entries(seconds).map(([name, taken]) => [name, (1000 * median(taken)) / images.length])),
    };
    console.log(JSON.stringify(figures, null, 2));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    await exact.dispose();
    await rounded.dispose();
    rmSync(work, { recursive: true, force: true });
  }
});

async function openOurs({ clip, caption }, imagePrecision, work) {
  const ours = await library().Interrogator.create({
    clipModelName: clip,
    captionModelName: caption === 'none' ? null : caption,
    // Text towers are the same.
    cachePath: path.join(work, 'cache'),
    device: 'cpu',
    quiet: true,
    imagePrecision,
  });
  await ours.prepare();
  return ours;
}

/** The same for both: features, the best flavors, a caption. */
async function answersOf(ours, images) {
  const answers = [];
  for (const image of images) {
    const features = await ours.imageToFeatures(image);
    const terms = await ours.flavors.rank(features, { topCount: TERMS });
    const caption = ours.config.captionModelName === null ? null : await ours.generateCaption(image);
    answers.push({ features: await features.toArray(), terms, caption });
    features.close();
  }
  return answers;
}

async function featuresOf(ours, image) {
  (await ours.imageToFeatures(image)).close();
}

function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

/** The images of the sample, turned and tinted in many ways. */
async function madeUp(work) {
  const sharp = require('sharp');
  const names = ['apple', 'cat-and-pizza', 'rocket'];
  const files = [];
  for (let i = 0; i < IMAGES; i += 1) {
    const file = path.join(work, `${i}.png`);
    const source = path.join(ROOT, 'models', 'sample', 'images', `${names[i % names.length]}.png`);
    await sharp(source)
      .rotate((i * 37) % 360, { background: { r: (i * 53) % 256, g: (i * 97) % 256, b: (i * 151) % 256 } })
      .modulate({ hue: (i * 29) % 360, brightness: 0.7 + (i % 7) / 10 })
      .toFile(file);
    files.push(file);
  }
  return files;
}
