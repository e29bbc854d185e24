/** npm run demo: sets up, then asks the sample model about the sample images: caption, a prompt in each mode, the terms that fit best. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setUp } from './setup.mjs';
import { main, ROOT, title } from './step.mjs';

const IMAGES = path.join(ROOT, 'models', 'sample', 'images');
const MODES = ['best', 'fast', 'classic', 'negative'];
const TABLES = ['mediums', 'artists', 'movements', 'trendings', 'flavors', 'negative'];
const TOP = 5;

await main(async () => {
  await setUp();
  title('What the small model that comes with the package says of the sample images');
  const { Interrogator } = createRequire(import.meta.url)(path.join(ROOT, 'dist', 'index.js'));
  const settings = { clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true };
  const [interrogator, loading] = await timed(() => Interrogator.create(settings));
  try {
    const [, embedding] = await timed(() => interrogator.prepare());
    title(`Loaded in ${loading}, terms embedded in ${embedding}`);
    for (const file of readdirSync(IMAGES).filter((name) => name.endsWith('.png'))) {
      await show(interrogator, path.join(IMAGES, file));
    }
  } finally {
    await interrogator.dispose();
  }
  console.log('\nYour own image: npx torch-interrogator interrogate IMAGE --clip sample --caption sample --mode best');
  console.log(
    'This model knows icon art only. For photographs leave both names out: then ViT-L-14/openai and blip-large are fetched, 3.6 GB ("A real model" in README.md).',
  );
});

async function show(interrogator, image) {
  console.log(`\n${path.relative(process.cwd(), image)}`);
  const [caption, captioning] = await timed(() => interrogator.generateCaption(image));
  line('caption', `${caption}  (${captioning})`);
  for (const mode of MODES) {
    const [{ prompt }, spent] = await timed(() => interrogator.describe(image, { mode }));
    line(mode, `${prompt}  (${spent})`);
  }
  const features = await interrogator.imageToFeatures(image);
  console.log(`  The ${TOP} terms that fit best in each table, with their similarity to the image:`);
  for (const table of TABLES) {
    const ranked = await interrogator[table].rankScored(features, { topCount: TOP });
    line(table, ranked.map(({ label, similarity }) => `${label} ${similarity.toFixed(2)}`).join(' · '));
  }
}

function line(name, text) {
  console.log(`  ${name.padEnd(10)}${text}`);
}

/** What the work gives, and how long it took, in words. */
async function timed(work) {
  const began = performance.now();
  const answer = await work();
  return [answer, `${((performance.now() - began) / 1000).toFixed(2)} s`];
}
