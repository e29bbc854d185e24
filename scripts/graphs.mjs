/**
 * npm run graphs [NAME…]: makes models/graphs and models/tokenizers with the exporter. `--check` makes them again and compares them with
 * what is there.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { EXPORTER, exporterPython } from './exporter-python.mjs';
import { main, ROOT, StepError, show, title } from './step.mjs';

const GRAPHS = path.join(ROOT, 'models', 'graphs');
const TOKENIZERS = path.join(ROOT, 'models', 'tokenizers');

await main(async () => {
  const { positionals: names, values: options } = parseArgs({
    allowPositionals: true,
    options: { check: { type: 'boolean', default: false } },
  });
  const made = mkdtempSync(path.join(tmpdir(), 'graphs-'));
  try {
    await exporter(['make', ...names, '--out', made]);
    const files = readdirSync(made).map((name) => ({ name, content: readFileSync(path.join(made, name)), place: placeOf(name) }));
    if (!options.check) return write(files);
    return check(files, { all: names.length === 0 });
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
});

/** A command of the exporter's graphs. */
async function exporter(args) {
  const python = await exporterPython();
  const fail = 'The exporter could not make every graph; the lines above say which.';
  await show(python, ['-m', 'torch_interrogator_export.graphs', ...args], { fail, env: { PYTHONPATH: EXPORTER } });
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
