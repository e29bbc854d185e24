/**
 * What a source of the native half may include: the rooms of the core and their arrows, no circle, no header from outside where it has no
 * place.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { filesBelow } from '../step.mjs';

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
  'weights/files': ['plain', 'platform'],
  weights: ['plain', 'platform', 'device', 'ops', 'weights/files'],
  images: ['plain', 'platform', 'device', 'ops'],
  labels: ['plain', 'platform', 'queue', 'device', 'ops', 'weights/files'],
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
const SOURCES = new RegExp(`^${CORE}/src/`);
/** Who may not include what, and why: a header as it is named, or a file of ours. */
const FORBIDDEN = [
  { below: [CORE], header: /^native\/(?!core\/|cuda\/include\/)/, why: 'nothing stands below the core but the header of its CUDA half' },
  { below: [API, `${CORE}/src`], header: /^native\/core\/test\//, why: 'this is for tests' },
  { below: ['native/cuda', 'native/loader'], header: /^native\/(core|binding)\//, why: 'this part stands for itself' },
  { below: [CORE, 'native/cuda'], header: NODE, why: 'the core builds without Node' },
  { below: [API, `${CORE}/src/queue`, `${CORE}/src/ops/simd`], header: LIBTORCH, why: 'this part knows no libtorch' },
  { below: ['native/binding', 'native/loader'], header: LIBTORCH, why: 'the core makes all calls of libtorch' },
  { below: [CORE], header: /^cuda/, why: 'CUDA is called in native/cuda' },
  { below: [API], header: SOURCES, why: 'the public headers include no other' },
  { below: ['native/binding'], header: SOURCES, why: 'the binding knows the public headers alone' },
];

/** Everything wrong with the includes below `root`/native, a sentence each. */
export function includeProblems(root) {
  const files = filesBelow(root, 'native', /\.(h|hh|hpp|cuh|c|cc|cpp|cxx|cu)$/);
  const problems = [];
  const edges = new Map();
  for (const file of files) {
    const text = readFileSync(path.join(root, file), 'utf8').replace(/\/\*.*?\*\//gs, '');
    edges.set(file, []);
    for (const [, name] of text.matchAll(/^[ \t]*#[ \t]*(?:include|import)[ \t]*["<]([^">]+)[">]/gm)) {
      const target = resolve(file, name, files);
      if (target) edges.get(file).push(target);
      const broken = FORBIDDEN.find(
        ({ below, header }) => header.test(target ?? name) && below.some((folder) => file.startsWith(`${folder}/`)),
      );
      const why = broken?.why ?? (target && arrowProblem(roomOf(file), roomOf(target)));
      if (why) problems.push(`${file} includes ${name}: ${why}`);
    }
  }
  return [...problems, ...circles(edges)];
}

/** The file of ours that an include names. */
function resolve(file, name, files) {
  const folders = [path.dirname(file), `${CORE}/include`, `${CORE}/src`, `${CORE}/test`, 'native/cuda/include', 'native/cuda/src'];
  return folders.map((folder) => path.join(folder, name)).find((candidate) => files.includes(candidate));
}

/** Where a file of native/core belongs; nothing for tests and benchmarks, which may include all of it, and for the rest of native/. */
function roomOf(file) {
  if (file.startsWith(`${API}/`)) return ROOM_OF_HEADER[path.basename(file)] ?? 'plain';
  if (!SOURCES.test(file)) return undefined;
  const inner = path.dirname(file.slice(`${CORE}/src/`.length));
  return Object.hasOwn(ARROWS, inner) ? inner : inner.split('/')[0];
}

function arrowProblem(from, to) {
  if (from && !ARROWS[from]) return `${from} is no room that scripts/lint/includes.mjs knows`;
  return !from || !to || from === to || ARROWS[from].includes(to) ? undefined : `no arrow leads from ${from} to ${to}`;
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
