/** A prompt that grows: its parts are those of the last report, and the gains of what stays are kept. */
import { growth, type LivePrompt } from '../../lib/web/tabs/interrogate/asking/live-prompt';

/** A chain of so many terms, each of which adds so much. */
function grow(steps: readonly { term: string; gain: number }[]): LivePrompt | null {
  let live: LivePrompt | null = null;
  let prompt = 'a cat, a dog';
  let similarity = 0.1;
  live = growth(live, { stage: 'chain', done: 0, total: 32, prompt, similarity });
  for (const { term, gain } of steps) {
    prompt = `${prompt}, ${term}`;
    similarity += gain;
    live = growth(live, { stage: 'chain', done: 1, total: 32, prompt, similarity });
  }
  return live;
}

test.each([0, 1, 2, 7, 30])('after %i terms each has the gain that it came with', (count) => {
  const steps = Array.from({ length: count }, (_, i) => ({ term: `term ${i}`, gain: ((i * 37) % 11) / 1000 - 0.002 }));
  const live = grow(steps);
  expect(live?.parts.map(({ text }) => text)).toEqual(['a cat', 'a dog', ...steps.map(({ term }) => term)]);
  const gains = live?.parts.slice(2).map(({ gain }) => gain) ?? [];
  for (const [i, { gain }] of steps.entries()) expect(gains[i]).toBeCloseTo(gain, 12);
  expect(live?.parts.slice(0, 2).map(({ gain }) => gain)).toEqual([null, null]);
});

test('terms that come in one report share what it rose by', () => {
  const before = growth(null, { stage: 'chain', done: 0, total: 2, prompt: 'a', similarity: 0.1 });
  const after = growth(before, { stage: 'chain', done: 2, total: 2, prompt: 'a, b, c', similarity: 0.2 });
  for (const { gain } of after?.parts.slice(1) ?? []) expect(gain).toBeCloseTo(0.05, 12);
  expect(after?.parts).toHaveLength(3);
});

test('a prompt that turned back keeps what both have in common', () => {
  const first = growth(null, { stage: 'chain', done: 0, total: 2, prompt: 'a, b, c', similarity: 0.1 });
  const second = growth(first, { stage: 'chain', done: 1, total: 2, prompt: 'a, x', similarity: 0.3 });
  expect(second?.parts.map(({ text }) => text)).toEqual(['a', 'x']);
});

test('a report without a prompt changes nothing', () => {
  const before = growth(null, { stage: 'chain', done: 0, total: 2, prompt: 'a', similarity: 0.1 });
  expect(growth(before, { stage: 'rank', done: 0, total: 1 })).toBe(before);
  expect(growth(null, { stage: 'caption', done: 0, total: 1 })).toBeNull();
});
