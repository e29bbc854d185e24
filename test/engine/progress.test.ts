/** Progress bars: one a stage, however many calls; on a terminal only. */
import { createProgressReporter } from '../../lib/engine/progress';
import { restoreTerminal, setTerminal } from '../support/terminal';

const made: { stage: string; total: number; done: number }[] = [];
let terminals = 0;
let open = 0;

jest.mock('cli-progress', () => ({
  Presets: {},
  MultiBar: class {
    constructor() {
      terminals += 1;
      open += 1;
    }
    create(total: number, done: number, { stage }: { stage: string }) {
      const bar = { stage, total, done };
      made.push(bar);
      const set = (field: 'total' | 'done') => (next: number) => Object.assign(bar, { [field]: next });
      return { setTotal: set('total'), update: set('done') };
    }
    stop() {
      open -= 1;
    }
  },
}));

beforeEach(() => {
  made.length = 0;
  terminals = 0;
  setTerminal(true);
});
afterAll(restoreTerminal);

test.each([1, 2, 50])('%d calls share one bar a stage, which shows their sum', (count) => {
  const reporters = Array.from({ length: count }, () => createProgressReporter(false, undefined));
  for (const [i, { report }] of reporters.entries()) {
    report({ stage: 'chain', done: i, total: 100 });
    report({ stage: 'labels flavors', done: 1, total: 10 });
    report({ stage: 'caption', done: 0, total: 1 });
  }
  expect(terminals).toBe(1);
  expect(made).toEqual([
    { stage: 'chain', done: (count * (count - 1)) / 2, total: 100 * count },
    { stage: 'labels flavors', done: count, total: 10 * count },
  ]);
  reporters.shift()?.[Symbol.dispose]();
  if (count > 1) expect(made[0]).toMatchObject({ total: 100 * (count - 1) });
  for (const reporter of reporters) reporter[Symbol.dispose]();
  expect(open).toBe(0);
});

test('a later call opens the terminal again', () => {
  for (let i = 0; i < 3; i += 1) {
    const { report, [Symbol.dispose]: finish } = createProgressReporter(false, undefined);
    report({ stage: 'chain', done: 1, total: 2 });
    finish();
  }
  expect([terminals, open]).toEqual([3, 0]);
});

test.each<[string, boolean, boolean]>([
  ['quiet', true, true],
  ['no terminal', false, false],
])('%s: no bar, but events', (_, quiet, isTTY) => {
  setTerminal(isTTY);
  const events: number[] = [];
  const { report, [Symbol.dispose]: finish } = createProgressReporter(quiet, ({ done }) => events.push(done));
  report({ stage: 'chain', done: 1, total: 2 });
  finish();
  expect([events, terminals]).toEqual([[1], 0]);
});

test('a worker thread draws no bar, whatever its terminal', () => {
  jest.isolateModules(() => {
    jest.doMock('node:worker_threads', () => ({ ...jest.requireActual('node:worker_threads'), isMainThread: false }));
    const progress = require('../../lib/engine/progress') as typeof import('../../lib/engine/progress');
    const { report, [Symbol.dispose]: finish } = progress.createProgressReporter(false, undefined);
    report({ stage: 'chain', done: 1, total: 2 });
    finish();
  });
  expect(terminals).toBe(0);
});
