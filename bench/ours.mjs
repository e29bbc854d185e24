/** Our side: the built package, opened on what prepare.mjs made. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from '../scripts/step.mjs';

const require = createRequire(import.meta.url);
/** dist/index.js, loaded when first asked for: the set-up may have to build it before. */
export const library = () => require(path.join(ROOT, 'dist', 'index.js'));
/** A module of the built package that is not public. */
export const internal = (name) => require(path.join(ROOT, 'dist', name));

/** The Config of an interrogator on `prepared` models. */
export function configFor({ clip, caption, cache }, { device, threads, vocabulary, imagePrecision = 'float32' }) {
  return {
    clipModelName: clip.bundle,
    captionModelName: caption?.bundle ?? null,
    cachePath: cache,
    downloadCache: false,
    dataPath: vocabulary ?? null,
    device,
    threads: threads ?? 0,
    imagePrecision,
    quiet: true,
  };
}

/** An interrogator whose label tables are ready. What they still lack is computed, which for a whole vocabulary takes minutes. */
export async function openOurs(config) {
  const interrogator = await library().Interrogator.create(config);
  await interrogator.prepare({ onProgress: progressLines() });
  return interrogator;
}

/** A line on stderr every ten seconds of a long stage. */
function progressLines() {
  let next = performance.now() + 10_000;
  return ({ stage, done, total }) => {
    if (performance.now() < next) return;
    next = performance.now() + 10_000;
    process.stderr.write(`  ${stage} ${done}/${total}\n`);
  };
}
