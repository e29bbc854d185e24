/**
 * npm run graphs [NAME…]: makes models/graphs and models/tokenizers with the exporter. `--check` makes them again and compares them with
 * what is there.
 *
 * npm run graphs:verify [NAME…] [--results FILE]: seeded weights as the reference library writes them, and its answers with them against
 * what the graph gives with the same file. Takes up to 12 GB of memory and 6 GB of disk for the largest. `--depth N` does so with CLIP
 * models of the same architecture that have at most N layers, and with their graphs: any machine holds those.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { exporterPython } from './exporter-python.mjs';
import {
  graphsCommand,
  openEngine,
  openGraph,
  packageModule,
  parseGraph,
  readAnswers,
  readReducedGraph,
  SETTINGS,
  withImage,
} from './seeded-models.mjs';
import { setUp } from './setup.mjs';
import { main, ROOT, StepError, title } from './step.mjs';

const GRAPHS = path.join(ROOT, 'models', 'graphs');
const TOKENIZERS = path.join(ROOT, 'models', 'tokenizers');

/** Of a feature's coordinate, both sides in float32. */
const FEATURE_TOLERANCE = 1e-4;

let python;

await main(async () => {
  const { positionals, values: options } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false }, results: { type: 'string' }, depth: { type: 'string' } },
  });
  const scratch = mkdtempSync(path.join(tmpdir(), 'graphs-'));
  try {
    if (positionals[0] === 'verify') return await verify(scratch, positionals.slice(1), options);
    await exporter(['make', ...positionals, '--out', scratch], 'The exporter could not make every graph; the lines above say which.');
    const files = readdirSync(scratch).map((name) => ({ name, content: readFileSync(path.join(scratch, name)), place: placeOf(name) }));
    if (!options.check) return write(files);
    return check(files, { all: positionals.length === 0 });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

/** A command of the exporter's graphs. */
async function exporter(args, fail) {
  python ??= await exporterPython();
  return graphsCommand(python, args, { fail });
}

function placeOf(name) {
  return name.endsWith('.graph') ? path.join(GRAPHS, name) : path.join(TOKENIZERS, `${name}.br`);
}

function write(files) {
  for (const folder of [GRAPHS, TOKENIZERS]) mkdirSync(folder, { recursive: true });
  for (const { content, place } of files) {
    // A file that says the same stays as it is: another Node may compress it into other bytes.
    if (!isSame(place, content)) writeFileSync(place, compressed(content));
  }
  const sizes = (folder) => readdirSync(folder).map((name) => statSync(path.join(folder, name)).size);
  for (const folder of [GRAPHS, TOKENIZERS]) {
    const all = sizes(folder);
    const bytes = all.reduce((sum, size) => sum + size, 0);
    title(`${path.relative(ROOT, folder)}: ${all.length} files, ${bytes.toLocaleString('en')} bytes`);
  }
}

function check(files, { all }) {
  const wrong = files.filter(({ place, content }) => !isSame(place, content)).map(({ place }) => place);
  if (all) {
    const expected = new Set(files.map(({ place }) => place));
    const there = [GRAPHS, TOKENIZERS].flatMap((folder) => readdirSync(folder).map((name) => path.join(folder, name)));
    wrong.push(...there.filter((place) => !expected.has(place)));
  }
  if (wrong.length > 0) {
    const names = wrong.map((place) => path.relative(ROOT, place)).join(', ');
    throw new StepError(`Not what the exporter makes: ${names}. Run npm run graphs and commit the result.`);
  }
  title(`${files.length} files are what the exporter makes.`);
  return 0;
}

/** Whether the file at a place is there and holds these bytes, compressed in whatever way. */
function isSame(place, content) {
  return existsSync(place) && brotliDecompressSync(readFileSync(place)).equals(content);
}

function compressed(content) {
  return brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
}

/** Verifies graphs, the smallest first. `results` is a JSON file that keeps what other runs found about other graphs. */
async function verify(scratch, names, { results, depth }) {
  const all = () => readdirSync(GRAPHS).map((file) => path.basename(file, '.graph'));
  const graphs = (names.length > 0 ? names : all()).map(readGraph).filter(({ kind }) => depth === undefined || kind === 'clip');
  await setUp();
  graphs.sort((one, other) => one.parameters - other.parameters);
  const found = results && existsSync(results) ? JSON.parse(readFileSync(results, 'utf8')) : {};
  const failed = [];
  for (const { name } of graphs) {
    const began = performance.now();
    const folder = path.join(scratch, name);
    const code = await exporter(['reference', name, '--out', scratch, ...(depth === undefined ? [] : ['--depth', depth])]);
    const compared = depth === undefined ? compare : compareReduced;
    const result = {
      by: 'torch-interrogator',
      ...(code === 0 ? await compared(name, folder) : { passed: false }),
      seconds: secondsSince(began),
    };
    rmSync(folder, { recursive: true, force: true });
    if (!result.passed) failed.push(name);
    title(`${name}: ${JSON.stringify(result)}`);
    if (results) writeResults(results, Object.assign(found, { [name]: result }));
  }
  if (failed.length > 0) throw new StepError(`Not what the reference gives: ${failed.join(', ')}.`);
  return 0;
}

/** The reference's answers beside what the package gives with the graph and that very file. */
async function compare(name, folder) {
  const answers = readAnswers(folder);
  const { importModel } = packageModule('index.js');
  const bundle = path.join(folder, 'bundle');
  await importModel(answers.kind, name, path.join(folder, answers.weights), { name, out: bundle });
  const { parameters, dtype } = answers;
  const compared = await (answers.kind === 'clip' ? compareFeatures : compareCaptions)(bundle, folder, answers);
  return { parameters, dtype, ...compared };
}

/**
 * The same for a model with fewer layers, whose graph lies beside its weights and not in the package. Texts are given as tokens, because
 * the tokenizers of some models are on the hub.
 */
async function compareReduced(name, folder) {
  const { parameters, dtype, pictures, tokens, ...answers } = readAnswers(folder);
  const { packTokens } = packageModule('engine/clip.js');
  const engine = await openEngine();
  try {
    const model = await openGraph(engine, name, readReducedGraph(folder), path.join(folder, answers.weights));
    const images = [];
    for (const picture of pictures) {
      const features = await withImage(engine, path.join(folder, picture), (image) => model.imageFeatures(image));
      images.push(await features.toArray());
    }
    const encoded = await (await model.textFeatures(packTokens(tokens.map((ids) => Int32Array.from(ids))))).toArray();
    await model.close();
    const image = Math.max(...images.map((features, i) => largest(features, answers.imageFeatures[i])));
    const text = largest(encoded, answers.textFeatures.flat());
    return { parameters, dtype, image, text, passed: image <= FEATURE_TOLERANCE && text <= FEATURE_TOLERANCE };
  } catch (error) {
    return { parameters, dtype, error: error.message, passed: false };
  } finally {
    await engine.dispose();
  }
}

async function compareFeatures(clipModelName, folder, { pictures, texts, imageFeatures, textFeatures }) {
  const { Interrogator } = packageModule('index.js');
  const interrogator = await Interrogator.create({ ...SETTINGS, clipModelName, captionModelName: null });
  try {
    const images = [];
    for (const picture of pictures) images.push(await (await interrogator.imageToFeatures(path.join(folder, picture))).toArray());
    const encoded = await (await interrogator.textToFeatures(texts)).toArray();
    const image = Math.max(...images.map((features, i) => largest(features, imageFeatures[i])));
    const text = largest(encoded, textFeatures.flat());
    return { image, text, passed: image <= FEATURE_TOLERANCE && text <= FEATURE_TOLERANCE };
  } finally {
    await interrogator.dispose();
  }
}

async function compareCaptions(captionModelName, folder, { pictures, captions, newTokens }) {
  const { manifest } = await packageModule('bundles/bundle.js').readBundle(captionModelName, 'caption');
  const { promptIds, eosId } = manifest.decoder;
  const engine = await openEngine({ captionModelName, captionMaxLength: newTokens });
  try {
    let wrongCaptions = 0;
    for (const [index, picture] of pictures.entries()) {
      // The words would hide which tokens they are of.
      const generate = (image) => engine.captioner.model.generate(image, { maxTokens: newTokens });
      const ours = [...(await withImage(engine, path.join(folder, picture), generate))].filter((id) => id !== eosId);
      const theirs = captions[index].slice(promptIds.length).filter((id) => id !== eosId);
      if (ours.join() !== theirs.join()) wrongCaptions += 1;
    }
    return { tokens: captions.flat().length, wrongCaptions, passed: wrongCaptions === 0 };
  } finally {
    await engine.dispose();
  }
}

/** The largest absolute difference of a coordinate; infinite where one is not a number. */
function largest(ours, theirs) {
  if (ours.length !== theirs.length) return Number.POSITIVE_INFINITY;
  const most = theirs.reduce((sofar, value, i) => Math.max(sofar, Math.abs(value - ours[i])), 0);
  return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
}

function readGraph(name) {
  const file = path.join(GRAPHS, `${name}.graph`);
  if (!existsSync(file)) throw new StepError(`There is no models/graphs/${name}.graph; npm run graphs ${name} makes it.`);
  const { tensors, kind } = parseGraph(brotliDecompressSync(readFileSync(file))).header;
  const parameters = Object.values(tensors).reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
  return { name, kind, parameters };
}

function writeResults(file, found) {
  const lines = Object.entries(found).map(([name, result]) => `  ${JSON.stringify(name)}: ${JSON.stringify(result)}`);
  writeFileSync(file, `{\n${lines.sort().join(',\n')}\n}\n`);
}

function secondsSince(began) {
  return Math.round((performance.now() - began) / 1000);
}
