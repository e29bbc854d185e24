/** What stderr is told of a run while it goes on, by --progress, on a terminal and elsewhere. */
import { type ProgressKind, ProgressWatch } from '../../lib/cli/run/watch';
import { eraseStatus } from '../../lib/cli/status';
import type { RunProgress } from '../../lib/index';
import { restoreTerminal, setTerminal } from '../support/terminal';

let told: string[];
let now: number;
beforeEach(() => {
  told = [];
  now = 1e9;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
});
afterEach(() => {
  eraseStatus();
  restoreTerminal();
  jest.restoreAllMocks();
});

const at = (done: number): RunProgress => ({
  total: 3000,
  done,
  kept: 0,
  failed: 1,
  skipped: 0,
  encoded: done,
  rate: 12.3,
  secondsLeft: 100,
  seconds: done / 10,
  devices: ['cuda:0\u001b[2J'],
  ...(done === 0 && { stage: { stage: 'load', done: 1, total: 3 } }),
});

/** Ten times a second, as runs do. */
function watch(kind: ProgressKind, seconds: number): void {
  const watching = new ProgressWatch(kind);
  for (let i = 0; i < seconds * 10; i += 1) {
    watching.tell(at(i));
    now += 100;
  }
  watching.end(undefined);
}

test('line, where there is no terminal: a plain line at once and then each ten seconds', () => {
  setTerminal(false);
  watch('line', 35);
  expect(told).toHaveLength(4);
  expect(told[2]).toMatch(/^201\/3,000 · 1 failed · 12\.3\/s · 1:40 left · cuda:0/);
  // One end a line, and nothing else that steers a terminal.
  for (const line of told) expect(line).toMatch(/^[^\0-\x1f\x7f-\x9f]+\n$/);
});

test.each<ProgressKind>(['auto', 'none'])('%s, where there is no terminal: nothing', (kind) => {
  setTerminal(false);
  watch(kind, 35);
  expect(told).toEqual([]);
});

test.each<ProgressKind>(['auto', 'line'])('%s, on a terminal: one line that changes', (kind) => {
  setTerminal(true);
  watch(kind, 3);
  expect(told.length).toBeGreaterThan(20);
  for (const text of told) expect(text).toMatch(/^\r\x1b\[K/);
  expect(told.join('')).not.toContain('\n');
});

test('json: an event a second', () => {
  setTerminal(false);
  watch('json', 5);
  expect(told.map((line) => (JSON.parse(line) as { event: string; done: number }).done)).toEqual([0, 10, 20, 30, 40]);
});
