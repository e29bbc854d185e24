/** Options of folder runs and inspections: what is wrong is told by its name, before anything is opened or loaded. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { type InspectOptions, Interrogator, inspectFolder, type RunInput, type RunOptions, runFolder } from '../../lib';
import { Random } from '../fuzz/support/random';
import { encoded } from './support/picture-set';
import { openSample } from './support/sample';

const SAMPLE = { clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true };

let work: string;
let interrogator: Interrogator;
beforeAll(async () => {
  interrogator = await openSample();
});
afterAll(() => interrogator.dispose());
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'options-'));
});
afterEach(() => rmSync(work, { recursive: true, force: true }));

const faultOf = (call: () => unknown): { code?: string; message?: string } => {
  try {
    call();
    return {};
  } catch (error) {
    return error as { code: string; message: string };
  }
};
const interrogate = (fields: object) => ({ task: { kind: 'interrogate', modes: ['fast'], ...fields } });
const rank = (fields: object) => ({ task: { kind: 'rank', labels: ['red'], topCount: 1, scores: 'cosine', ...fields } });
const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
};

/** An option by the name that the message has, and values that it does not take. */
const WRONG: [string, unknown[], (value: unknown) => object][] = [
  ['concurrency', [Number.NaN, 0, -1, 1.5, Number.POSITIVE_INFINITY, '2', null], (concurrency) => ({ concurrency })],
  ['interrogators', [[], [{}], {}, [undefined], revoked()], (interrogators) => ({ interrogators })],
  ['devices', [[], 'cpu', [3], ['tpu'], [''], ['cuda:']], (devices) => ({ devices })],
  ['recursive', ['yes', 1, null], (recursive) => ({ recursive })],
  ['include', ['*.png', [''], [7], ['[z-a].png'], ['a'.repeat(70_000)], ['/']], (include) => ({ include })],
  ['exclude', [[/x/], ['*.{png'], ['!(']], (exclude) => ({ exclude })],
  ['config', ['sample', 7, []], (config) => ({ config })],
  ['task', ['fast', [], null], (task) => ({ task })],
  ['task.kind', ['describe', undefined, 3], (kind) => ({ task: { kind } })],
  ['task.modes', [[], 'fast', undefined, ['fast', 'fast'], ['slow'], [null]], (modes) => interrogate({ modes })],
  ['task.mode: no such option; did you mean modes', ['fast'], (mode) => interrogate({ mode })],
  ['task.maxFlavors', [-1, 1.5, '3', Number.NaN], (maxFlavors) => interrogate({ maxFlavors })],
  ['task.caption', [3, {}], (caption) => interrogate({ caption })],
  ['task.labels', [[], 'red', [3], undefined, new Array(1)], (labels) => rank({ labels })],
  ['task.topCount', [0, Number.NaN, undefined], (topCount) => rank({ topCount })],
  ['task.scores', ['best', undefined], (scores) => rank({ scores })],
  ['task.template', ['a photo', 3], (template) => rank({ template })],
  ['task.modes: no such option', [['fast']], (modes) => ({ task: { kind: 'features', modes } })],
  ['from', ['list.txt', [''], [3], [{}]], (from) => ({ from })],
  ['state', ['', 3, false], (state) => ({ state })],
  ['again', ['everything', true], (again) => ({ again })],
  ['out', ['a.csv', [''], [3]], (out) => ({ out })],
  ['sidecar', [true, '.txt'], (sidecar) => ({ sidecar })],
  ['sidecar.existing', ['replace'], (existing) => ({ sidecar: { existing } })],
  ['sidecar.ext', ['.txt'], (ext) => ({ sidecar: { ext } })],
  ['embed', ['exif', true], (embed) => ({ embed })],
  ['report', ['', true], (report) => ({ report })],
  ['words.maxTokens', [0, Number.NaN, '75'], (maxTokens) => ({ words: { maxTokens } })],
  ['words.exclude', ['by', [''], [3]], (exclude) => ({ words: { exclude } })],
  ['words.replace', [['a=b'], [['a']], [['a', 3]]], (replace) => ({ words: { replace } })],
  ['words.tirgger: no such option; did you mean trigger', ['x'], (tirgger) => ({ words: { tirgger } })],
  ['signal', [{}, true], (signal) => ({ signal })],
  ['onProgress', [{}, true], (onProgress) => ({ onProgress })],
  ['concurency: no such option; did you mean concurrency', [2], (concurency) => ({ concurency })],
];

test.each(WRONG)('%s: what it does not take is told by this name, at once', (name, values, optionsOf) => {
  for (const [place, value] of values.entries()) {
    const { code, message = '' } = faultOf(() => runFolder(work, optionsOf(value) as RunOptions));
    expect([place, code, message]).toEqual([place, 'ERR_INVALID_ARGUMENT', expect.stringContaining(name)]);
  }
  expect(readdirSync(work)).toEqual([]);
});

test('several wrong options are told together; a config by its settings', () => {
  const several = { concurrency: Number.NaN, devices: [], again: 'now' } as unknown as RunOptions;
  const { message } = faultOf(() => runFolder(work, several));
  for (const name of Object.keys(several)) expect(message).toContain(`${name}: got `);
  const config = { clipModelName: 3 } as unknown as RunOptions['config'];
  expect(faultOf(() => runFolder(work, { config }))).toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining('clipModelName'),
  });
});

test('inputs that are none are told by their places', () => {
  for (const input of ['', undefined, 7, {}, { path: 'set' }, { path: Buffer.alloc(0) }, revoked()]) {
    const { code, message } = faultOf(() => runFolder(['a.png', input as RunInput]));
    expect([code, message]).toEqual(['ERR_INVALID_ARGUMENT', expect.stringMatching(/^inputs/)]);
  }
});

/** Of each option a value that it takes. */
const RIGHT: Record<keyof RunOptions, unknown[]> = {
  recursive: [true, false],
  include: [[], ['*.png', 'a/**']],
  exclude: [['[ab].png']],
  config: [SAMPLE, {}],
  task: [
    { kind: 'interrogate', modes: ['best', 'caption'], caption: '', minFlavors: 0 },
    rank({ template: '{}' }).task,
    { kind: 'features' },
  ],
  devices: [['cpu'], ['cuda:0', 'cuda:1'], ['cpu', 'cpu']],
  interrogators: [],
  concurrency: [1, 4096],
  from: [[], ['list.txt', '-', { path: Buffer.from('x') }, Readable.from(['a.png'])]],
  state: [null, 'state'],
  again: ['missing', 'errors', 'all'],
  out: [[], ['a.csv']],
  sidecar: [{}, { extension: '.txt', name: '{stem}{ext}', folder: 'x', existing: 'skip', lines: true }],
  embed: ['xmp'],
  report: ['a.html'],
  words: [
    {},
    {
      exclude: ['by', /x/],
      replace: [
        ['a', ''],
        [/b/g, '$1'],
      ],
      maxTokens: 75,
      trigger: '',
      template: '{prompt}',
    },
  ],
  signal: [new AbortController().signal],
  onProgress: [() => {}],
};

test.each([1, 2, 3, 4])('whatever right options come together: none is refused (%i)', (seed) => {
  for (let round = 0; round < 100; round += 1) {
    const random = new Random(seed, round);
    const given = Object.entries(RIGHT).map(([name, values]) => [
      name,
      values.length > 0 && random.chance(0.5) ? random.pick(values) : undefined,
    ]);
    expect(faultOf(() => runFolder(work, Object.fromEntries(given) as RunOptions))).toEqual({});
  }
  expect(faultOf(() => runFolder(work, { interrogators: [interrogator] }))).toEqual({});
});

test.each<[string, unknown]>([
  ['state', ''],
  ['interrogator', {}],
  ['config', 'sample'],
  ['duplicateThreshold', '0.9'],
  ['most', Number.NaN],
  ['sidecar', 7],
  ['signal', {}],
  ['onProgres: no such option; did you mean onProgress', () => {}],
])('of an inspection, %s', async (name, value) => {
  const options = { [name.replace(/:.*/, '')]: value } as InspectOptions;
  await expect(inspectFolder(work, options)).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringContaining(name),
  });
});

test.each<[string, object]>([
  ['orientation', { orientation: 'exif' }],
  ['ranking', { ranking: 'global' }],
  ['caption', { captionModelName: null }],
])('interrogators that differ in %s: told before the first picture', async (what, settings) => {
  mkdirSync(path.join(work, 'set'));
  writeFileSync(path.join(work, 'set', '1.png'), await encoded(1, 'png'));
  await using other = await Interrogator.create({ ...SAMPLE, ...settings });
  const run = (each: Interrogator, kind: 'interrogate' | 'features') =>
    runFolder(path.join(work, 'set'), {
      interrogators: [interrogator, each],
      task: kind === 'features' ? { kind } : { kind, modes: ['fast'] },
      state: path.join(work, 'state'),
    }).finish();
  await expect(run(other, 'interrogate')).rejects.toMatchObject({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(new RegExp(`^interrogators\\.1: .*${what}`)),
  });
  // What the task does not depend on may differ.
  if (what !== 'orientation') expect(await run(other, 'features')).toMatchObject({ done: 1 });
  expect(await run(interrogator, 'interrogate')).toMatchObject({ done: 1 });
});
