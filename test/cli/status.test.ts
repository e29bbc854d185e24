/** What is told of work under way where stderr is no terminal. */
import { eraseStatus, showStatus } from '../../lib/cli/status';
import { restoreTerminal, setTerminal } from '../support/terminal';

let told: string[];
beforeEach(() => {
  told = [];
  setTerminal(false);
  jest.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
});
afterEach(() => {
  eraseStatus();
  restoreTerminal();
  jest.restoreAllMocks();
});

test('a large table that is made has a line every ten seconds; what takes seconds has none', () => {
  let now = 1e9;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const tell = (stage: string, done: number, total: number): void => showStatus({ stage, done, total });
  tell('caption', 0, 1);
  tell('chain', 3, 32);
  tell('labels mediums', 20, 95);
  expect(told).toEqual([]);
  for (let second = 0; second < 25; second += 1) {
    tell('labels flavors', second * 100, 100_970);
    now += 1000;
  }
  expect(told).toEqual(['Embedding flavors 0/100970\n', 'Embedding flavors 1000/100970\n', 'Embedding flavors 2000/100970\n']);
});
