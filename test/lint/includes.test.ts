/** The lint of the native half's includes, on trees in which something is planted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..');
let includeProblems: (root: string) => string[];
let folder: string;

beforeAll(async () => {
  ({ includeProblems } = await import(path.join(ROOT, 'scripts', 'lint', 'includes.mjs')));
});
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'includes-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Problems of a tree with these files, each of which holds these include lines. */
function problemsOf(files: Record<string, string[]>): string[] {
  for (const [name, includes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, 'native', name)), { recursive: true });
    writeFileSync(path.join(folder, 'native', name), includes.map((header) => `#include ${header}\n`).join(''));
  }
  return includeProblems(folder);
}

test('the sources themselves have no problem', () => {
  expect(includeProblems(ROOT)).toEqual([]);
});

test('includes downward and beside are fine', () => {
  const problems = problemsOf({
    'core/include/interrogator/error.h': ['<string>'],
    'core/include/interrogator/clip_model.h': ['"interrogator/error.h"'],
    'core/src/platform/memory.h': ['<ATen/core/Tensor.h>'],
    'core/src/ops/linear.cc': ['"platform/memory.h"', '"interrogator/error.h"'],
    'core/src/clip/clip_model.cc': ['"interrogator/clip_model.h"', '"platform/memory.h"', '<ATen/ATen.h>'],
    'core/test/ops/linear_test.cc': ['"clip/tower.h"', '"interrogator/clip_model.h"'],
    'core/src/clip/tower.h': [],
  });
  expect(problems).toEqual([]);
});

test.each([
  ['an operator of a model', 'core/src/ops/linear.cc', '"interrogator/clip_model.h"', 'core/include/interrogator/clip_model.h'],
  ['an operator of a bundle', 'core/src/ops/image.h', '"interrogator/bundle.h"', 'core/include/interrogator/bundle.h'],
  ['the queue of the device', 'core/src/queue/job.h', '"device/transfer.h"', 'core/src/device/transfer.h'],
  ['the platform of the queue', 'core/src/platform/memory.cc', '"queue/job.h"', 'core/src/queue/job.h'],
  ['the captioner of CLIP', 'core/src/caption/decoding.cc', '"clip/tower.h"', 'core/src/clip/tower.h'],
  ['a public header of a source', 'core/include/interrogator/device.h', '"queue/job.h"', 'core/src/queue/job.h'],
  ['the binding of a source', 'binding/device_wrap.cc', '"queue/job.h"', 'core/src/queue/job.h'],
])('a planted include: %s', (_, from, header, target) => {
  const problems = problemsOf({ [from]: [header], [target]: [] });
  expect(problems).toEqual([expect.stringContaining(`native/${from} includes ${header.replaceAll('"', '')}: `)]);
});

test.each([
  ['in angle brackets', '#include <interrogator/clip_model.h>'],
  ['of another room in angle brackets', '#include <clip/tower.h>'],
  ['behind a comment', '/* needed */ #include "clip/tower.h"'],
  ['over a comment of lines', '/*\n*/#include "clip/tower.h"'],
  ['as an import', '#import "clip/tower.h"'],
])('a planted include %s', (_, line) => {
  problemsOf({ 'core/include/interrogator/clip_model.h': [], 'core/src/clip/tower.h': [], 'core/src/ops/linear.cc': [] });
  for (const suffix of ['cc', 'h', 'cpp', 'hpp', 'cuh']) {
    writeFileSync(path.join(folder, 'native', 'core/src/ops', `linear.${suffix}`), `${line}\n`);
    expect(includeProblems(folder)).toEqual([expect.stringContaining(`native/core/src/ops/linear.${suffix} includes`)]);
    rmSync(path.join(folder, 'native', 'core/src/ops', `linear.${suffix}`));
  }
});

test.each([
  ['core/src/clip/tower.cc', '"../../../binding/handle.h"', 'binding/handle.h'],
  ['core/src/clip/tower.cc', '"../../test/support/files.h"', 'core/test/support/files.h'],
  ['core/include/interrogator/device.h', '"../../test/support/files.h"', 'core/test/support/files.h'],
  ['cuda/src/launch.cu', '"../../core/src/ops/linear.h"', 'core/src/ops/linear.h'],
  ['loader/loader.cc', '"../core/include/interrogator/error.h"', 'core/include/interrogator/error.h'],
  ['core/src/device/kernels.cc', '"../../../cuda/src/eight.h"', 'cuda/src/eight.h'],
])('a planted include out of its part: %s of %s', (from, header, target) => {
  expect(problemsOf({ [from]: [header], [target]: [] })).toEqual([expect.stringContaining(`native/${from} includes`)]);
});

test.each([
  ['core/src/queue/job.h', '<ATen/core/Tensor.h>'],
  ['core/include/interrogator/features.h', '<torch/script.h>'],
  ['core/src/device/device.cc', '<napi.h>'],
  ['core/src/device/device.cc', '<cuda_runtime.h>'],
  ['binding/convert.cc', '<c10/core/Device.h>'],
])('a planted header from outside: %s includes %s', (from, header) => {
  expect(problemsOf({ [from]: [header] })).toHaveLength(1);
});

test('a planted circle is named from file to file, however long it is', () => {
  const names = ['first', 'second', 'third', 'fourth'].map((name) => `core/src/clip/${name}.h`);
  const files = Object.fromEntries(names.map((name, i) => [name, [`"clip/${path.basename(names[(i + 1) % 4] as string)}"`]]));
  const problems = problemsOf(files);
  expect(problems).toHaveLength(1);
  for (const name of names) expect(problems[0]).toContain(`native/${name}`);
});

test('a folder that is no room is named', () => {
  expect(problemsOf({ 'core/src/helpers/all.h': [], 'core/src/clip/tower.h': ['"helpers/all.h"'] })).not.toEqual([]);
});
