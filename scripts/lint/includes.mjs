/** What a source of the native half may include: the rooms of the core and their arrows, no circle, no header from outside where it has no place. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const CORE = 'native/core';
const API = `${CORE}/include/interrogator`;

/** Rooms of native/core/src, and the headers of include/ that belong to them, by what they may include besides their own. */
const ARROWS = {
  plain: [],
  platform: ['plain'],
  queue: ['plain'],
  device: ['plain', 'platform', 'queue'],
  'ops/simd': ['plain'],
  ops: ['plain', 'platform', 'device', 'ops/simd'],
  weights: ['plain', 'platform', 'device', 'ops'],
  images: ['plain', 'platform', 'device', 'ops'],
  labels: ['plain', 'platform', 'queue', 'device', 'ops', 'weights'],
  clip: ['plain', 'platform', 'queue', 'device', 'ops', 'weights', 'images'],
  caption: ['plain', 'platform', 'queue', 'device', 'ops', 'weights', 'images'],
};

/** Headers of include/ that say more than plain data does. */
const ROOM_OF_HEADER = {
  'bundle.h': 'weights',
  'caption_model.h': 'caption',
  'clip_model.h': 'clip',
  'device.h': 'device',
  'features.h': 'device',
  'label_matrix.h': 'labels',
  'prompt_tree.h': 'clip',
  'runtime.h': 'device',
};

const NODE = /^(napi|node_api|js_native_api|node|v8|uv)(-inl)?\.h$/;
const LIBTORCH = /^(ATen|c10|torch)\//;
const CUDA = /^cuda/;
/** Who may not include which header from outside, and why. */
const OUTSIDE = [
  { below: [CORE, 'native/cuda'], header: NODE, why: 'the core builds without Node' },
  { below: [API, `${CORE}/src/queue`, `${CORE}/src/ops/simd`], header: LIBTORCH, why: 'this part knows no libtorch' },
  { below: ['native/binding', 'native/loader'], header: LIBTORCH, why: 'the core makes all calls of libtorch' },
  { below: [CORE], header: CUDA, why: 'CUDA is called in native/cuda' },
];

/** Everything wrong with the includes below `root`/native, a sentence each. */
export function includeProblems(root) {
  const files = sourcesBelow(root, 'native');
  const known = new Set(files);
  const problems = [];
  const edges = new Map();
  for (const file of files) {
    const reached = [];
    for (const { name, quoted } of includesOf(path.join(root, file))) {
      for (const { below, header, why } of OUTSIDE) {
        if (header.test(name) && below.some((folder) => file.startsWith(`${folder}/`))) problems.push(`${file} includes ${name}: ${why}`);
      }
      const target = quoted ? resolve(file, name, known) : undefined;
      if (!target) continue;
      reached.push(target);
      const wrong = arrowProblem(file, target);
      if (wrong) problems.push(`${file} includes ${name}: ${wrong}`);
    }
    edges.set(file, reached);
  }
  return [...problems, ...circles(edges)];
}

function includesOf(file) {
  const found = readFileSync(file, 'utf8').matchAll(/^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]/gm);
  return [...found].map(([, mark, name]) => ({ name, quoted: mark === '"' }));
}

/** The file of ours that an include names. */
function resolve(file, name, known) {
  const folders = [path.posix.dirname(file), `${CORE}/include`, `${CORE}/src`, `${CORE}/test`, 'native/cuda/include', 'native/cuda/src'];
  return folders.map((folder) => path.posix.join(folder, name)).find((candidate) => known.has(candidate));
}

/** Where a file of native/core belongs; nothing for tests and benchmarks, which may include all of it, and for the rest of native/. */
function roomOf(file) {
  if (file.startsWith(`${API}/`)) return ROOM_OF_HEADER[path.posix.basename(file)] ?? 'plain';
  if (!file.startsWith(`${CORE}/src/`)) return undefined;
  const inner = path.posix.dirname(file.slice(`${CORE}/src/`.length));
  return Object.hasOwn(ARROWS, inner) ? inner : inner.split('/')[0];
}

function arrowProblem(file, target) {
  const [from, to] = [roomOf(file), roomOf(target)];
  if (from && !ARROWS[from]) return `${from} is no room that scripts/lint/includes.mjs knows`;
  if (file.startsWith(`${API}/`) && target.startsWith(`${CORE}/src/`)) return 'the public headers include no other';
  if (file.startsWith('native/binding/') && target.startsWith(`${CORE}/src/`)) return 'the binding knows the public headers alone';
  if (!from || !to || from === to || ARROWS[from].includes(to)) return undefined;
  return `no arrow leads from ${from} to ${to}`;
}

/** One sentence for each circle that a walk from file to file meets. */
function circles(edges) {
  const found = [];
  const done = new Set();
  const walk = (file, trail) => {
    const start = trail.indexOf(file);
    if (start >= 0) found.push(`a circle of includes: ${[...trail.slice(start), file].join(' → ')}`);
    if (start >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...trail, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return found;
}

function sourcesBelow(root, folder) {
  const whole = path.join(root, folder);
  if (!existsSync(whole)) return [];
  return readdirSync(whole, { recursive: true })
    .filter((name) => /\.(h|cc|cu)$/.test(name))
    .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
    .sort();
}
