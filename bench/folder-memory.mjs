/**
 * npm run bench:folder-memory: what a folder run takes in memory, as a process of its own over many small pictures and over large ones.
 * `--pictures`, `--large`: how many; `--names N` (such as 1000000): names besides, of few pictures, which take some ten minutes a million;
 * `--json FILE` writes the figures. Exits with 1 where it grows, or takes more than it should.
 */
import { spawn } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { setUp } from '../scripts/setup.mjs';
import { main, ROOT, title } from '../scripts/step.mjs';
import { withComment } from './commented-jpeg.mjs';
import { median } from './sampling.mjs';

const require = createRequire(import.meta.url);
const MAIN = path.join(ROOT, 'dist', 'cli', 'main.js');
const LOOK_MS = 100;
/** The second half of a run may take so much more at its end than at its beginning. */
const MOST_GROWTH = 1.02;
/** Beyond what the process has with its models loaded, over pictures of 24 megapixels. */
const MOST_BEYOND_MIB = 600;
/** Of a million names. */
const MOST_OF_NAMES_MIB = 1024;
const NAMES_A_FOLDER = 10_000;
/** Different pictures; the others differ in a comment. */
const DIFFERENT = 100;

await main(async () => {
  const { values } = parseArgs({
    options: {
      pictures: { type: 'string', default: '20000' },
      large: { type: 'string', default: '300' },
      names: { type: 'string', default: '0' },
      json: { type: 'string' },
    },
  });
  const { path: libtorch } = await setUp();
  const work = mkdtempSync(path.join(tmpdir(), 'folder-memory-'));
  try {
    title(`${values.pictures} small pictures`);
    const small = Number(values.pictures) > 0 && (await measured(work, 'small', Number(values.pictures), libtorch, ofSize([256, 192])));
    title(`${values.large} pictures of 24 megapixels`);
    const large = Number(values.large) > 0 && (await measured(work, 'large', Number(values.large), libtorch, ofSize([6000, 4000])));
    title(`${values.names} names`);
    const names = Number(values.names) > 0 && (await measured(work, 'names', Number(values.names), libtorch, makeNames));
    const figures = {
      ...(small && { small: { ...small, growth: small.end_mib / small.half_mib } }),
      ...(large && { large: { ...large, beyond_mib: large.most_mib - large.loaded_mib } }),
      ...(names && { names }),
    };
    console.log(JSON.stringify(figures, null, 2));
    if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
    const { small: { growth = 0 } = {}, large: { beyond_mib: beyond = 0 } = {}, names: { most_mib: most = 0 } = {} } = figures;
    return growth > MOST_GROWTH || beyond > MOST_BEYOND_MIB || most > MOST_OF_NAMES_MIB ? 1 : 0;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
});

/** Memory in MiB: with the models loaded, at half of the pictures, at the end (medians of a tenth of the run), and at most. */
async function measured(work, name, count, libtorch, make) {
  const folder = path.join(work, name);
  await make(folder, count);
  const args = [
    'interrogate',
    folder,
    '--mode',
    'fast',
    '--clip',
    'sample',
    '--caption',
    'sample',
    '--device',
    'cpu',
    '--progress',
    'json',
  ];
  const child = spawn(process.execPath, [MAIN, ...args, '--out', path.join(work, `${name}.jsonl`)], {
    cwd: work,
    env: { ...process.env, LIBTORCH: libtorch },
  });
  const looks = [];
  let done = 0;
  let loaded = 0;
  child.stderr.on('data', (text) => {
    const found = [...String(text).matchAll(/"done":(\d+),"kept":(\d+)/g)].at(-1);
    if (found) done = Number(found[1]) + Number(found[2]);
  });
  const timer = setInterval(() => {
    const mib = residentMib(child.pid);
    if (mib === undefined) return;
    if (done === 0) loaded = mib;
    looks.push({ done, mib });
  }, LOOK_MS);
  const code = await new Promise((resolve) => child.on('exit', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`the run ended with ${code}`);
  const around = (part) =>
    median(looks.filter((look) => look.done > (part - 0.1) * count && look.done <= part * count).map(({ mib }) => mib));
  return {
    pictures: count,
    loaded_mib: loaded,
    half_mib: around(0.6),
    end_mib: around(1),
    most_mib: Math.max(...looks.map(({ mib }) => mib)),
  };
}

/** Hard links: each name is a picture of its own to a run, which finds that it knows the content. */
async function makeNames(folder, count) {
  const originals = `${folder}-originals`;
  await ofSize([256, 192])(originals, DIFFERENT);
  for (let i = 0; i < count; i += 1) {
    const below = path.join(folder, String(Math.floor(i / NAMES_A_FOLDER)));
    if (i % NAMES_A_FOLDER === 0) mkdirSync(below, { recursive: true });
    linkSync(path.join(originals, `${i % DIFFERENT}.jpg`), path.join(below, `${i}.jpg`));
  }
}

/** Makes pictures of this size. */
function ofSize(size) {
  return (folder, count) => makePictures(folder, count, size);
}

async function makePictures(folder, count, [width, height]) {
  const sharp = require('sharp');
  mkdirSync(folder);
  const originals = [];
  for (let i = 0; i < Math.min(DIFFERENT, count, width > 1000 ? 3 : DIFFERENT); i += 1) {
    const noise = await sharp({ create: { width: 64, height: 48, channels: 3, noise: { type: 'gaussian', mean: 60 + i, sigma: 60 } } })
      .png()
      .toBuffer();
    originals.push(await sharp(noise).resize(width, height).jpeg({ quality: 90 }).toBuffer());
  }
  for (let i = 0; i < count; i += 1)
    writeFileSync(path.join(folder, `${i}.jpg`), withComment(originals[i % originals.length], `picture ${i}`));
}

function residentMib(pid) {
  try {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}
