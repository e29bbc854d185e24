/**
 * npm run graphs [NAME…]: makes models/graphs and models/tokenizers with the exporter. `--check` makes them again and compares them with
 * what is there.
 *
 * npm run graphs:verify [NAME…] [--results FILE] [--jobs N]: seeded weights as the reference library writes them, and its answers with
 * them against what the graph gives with the same file. Takes up to 12 GB of memory and 6 GB of disk for the largest. `--depth N` does so
 * with models of the same architecture that have at most N layers, and with their graphs: any machine holds those.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { exporterPython } from './exporter-python.mjs';
import { verify } from './graphs/verify.mjs';
import { graphsCommand } from './seeded-models.mjs';
import { main, ROOT, StepError, title } from './step.mjs';

const GRAPHS = path.join(ROOT, 'models', 'graphs');
const TOKENIZERS = path.join(ROOT, 'models', 'tokenizers');

await main(async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      check: { type: 'boolean', default: false },
      results: { type: 'string' },
      depth: { type: 'string' },
      jobs: { type: 'string', default: '1' },
    },
  });
  const { check: isCheck, results } = values;
  const scratch = mkdtempSync(path.join(tmpdir(), 'graphs-'));
  try {
    if (positionals[0] === 'verify') {
      const options = { results, depth: values.depth && countOf('depth', values.depth), jobs: countOf('jobs', values.jobs) };
      return await verify(scratch, positionals.slice(1), options);
    }
    const fail = 'The exporter could not make every graph; the lines above say which.';
    await graphsCommand(await exporterPython(), ['make', ...positionals, '--out', scratch], fail);
    const files = readdirSync(scratch).map((name) => ({ name, content: readFileSync(path.join(scratch, name)), place: placeOf(name) }));
    if (!isCheck) return write(files);
    return check(files, { all: positionals.length === 0 });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

function countOf(option, text) {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new StepError(`--${option} takes a whole number of at least 1, not ${text}.`);
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
