/**
 * compare-process.mjs NAME FOLDER: the reference's answers, which `graphs reference` wrote into the folder, beside what the package gives
 * with the same weights. A process of its own, so that its memory is that of this model. Prints one line of JSON: {passed, peak, resident}
 * with {image, text, apart} or {tokens, wrongCaptions}. Bytes; Linux only, else null.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openEngine, openGraph, packageModule, readAnswers, readReducedGraph, SETTINGS, withImage } from '../seeded-models.mjs';

/** Of a feature's coordinate, both sides in float32. */
const FEATURE_TOLERANCE = 1e-4;

const [name, folder] = process.argv.slice(2);
const answers = readAnswers(folder);
const opened = await open();
try {
  const memory = { peak: memoryOf('VmHWM'), resident: memoryOf('VmRSS') };
  const compared = await (answers.kind === 'clip' ? compareFeatures(opened) : compareCaptions(opened));
  process.stdout.write(`${JSON.stringify({ ...compared, ...memory })}\n`);
} finally {
  await opened.close();
}

/**
 * The package's model of the weights. By a user's way, import and name, where the package has all of it; a model with fewer layers, whose
 * graph lies beside its weights, and one whose tokenizer is on the hub are opened by their graphs alone.
 */
async function open() {
  const weights = path.join(folder, answers.weights);
  const isReduced = existsSync(path.join(folder, 'reduced.graph'));
  const graph = isReduced ? readReducedGraph(folder) : await packageModule('bundles/graph.js').readGraph(name);
  if (isReduced || graph.header.manifest.tokenizer.repository) {
    const engine = await openEngine();
    forgetPeak();
    const model = await openGraph(engine, name, graph, weights);
    const close = async () => {
      await model.close();
      await engine.dispose();
    };
    return { engine, model, manifest: graph.header.manifest, close };
  }
  const { importModel, Interrogator } = packageModule('index.js');
  const { folder: bundle } = await importModel(answers.kind, name, weights, { name, out: path.join(folder, 'bundle') });
  forgetPeak();
  if (answers.kind === 'clip') {
    const interrogator = await Interrogator.create({ ...SETTINGS, clipModelName: bundle, captionModelName: null });
    return { interrogator, close: () => interrogator.dispose() };
  }
  const engine = await openEngine({ captionModelName: bundle, captionMaxLength: answers.newTokens });
  const { manifest } = await packageModule('bundles/bundle.js').readBundle(bundle, 'caption');
  return { engine, model: engine.captioner.model, manifest, close: () => engine.dispose() };
}

async function compareFeatures({ interrogator, engine, model }) {
  const { pictures, texts, tokens, imageFeatures, textFeatures } = answers;
  const { packTokens } = packageModule('engine/clip.js');
  const imageOf = (file) =>
    interrogator ? interrogator.imageToFeatures(file) : withImage(engine, file, (image) => model.imageFeatures(image));
  const images = [];
  for (const picture of pictures) images.push(await (await imageOf(path.join(folder, picture))).toArray());
  const rows = interrogator
    ? interrogator.textToFeatures(texts)
    : model.textFeatures(packTokens(tokens.map((ids) => Int32Array.from(ids))));
  const image = Math.max(...images.map((features, i) => largest(features, imageFeatures[i])));
  const text = largest(await (await rows).toArray(), textFeatures.flat());
  // Features that were all the same would agree with anything.
  const apart = Math.min(largest(imageFeatures[0], imageFeatures[1]), largest(textFeatures[0], textFeatures[1]));
  const most = Math.max(image, text);
  return { image, text, apart, passed: most <= FEATURE_TOLERANCE && apart > 100 * most };
}

async function compareCaptions({ engine, model, manifest }) {
  const { pictures, captions, newTokens } = answers;
  const { promptIds, eosId } = manifest.decoder;
  let wrongCaptions = 0;
  for (const [index, picture] of pictures.entries()) {
    // The words would hide which tokens they are of.
    const generate = (image) => model.generate(image, { maxTokens: newTokens });
    const ours = [...(await withImage(engine, path.join(folder, picture), generate))].filter((id) => id !== eosId);
    const theirs = captions[index].slice(promptIds.length).filter((id) => id !== eosId);
    if (ours.join() !== theirs.join()) wrongCaptions += 1;
  }
  return { tokens: captions.flat().length, wrongCaptions, passed: wrongCaptions === 0 };
}

/** The largest absolute difference of a coordinate; infinite where one is not a number. */
function largest(ours, theirs) {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  const most = theirs.reduce((sofar, value, i) => Math.max(sofar, Math.abs(value - ours[i])), 0);
  return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
}

/** What was the most before does not count. */
function forgetPeak() {
  if (process.platform === 'linux') writeFileSync('/proc/self/clear_refs', '5');
}

function memoryOf(field) {
  if (process.platform !== 'linux') return null;
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}
