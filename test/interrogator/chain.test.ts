/** The chain's rules on prompts of known similarity. Chains over real models are in interrogator.test.ts and in parity/. */
import { type ChainOptions, chain } from '../../lib/interrogator/chain';

/** A chain over phrases whose prompts have the similarities in `table`; what is not in it has -1 (reverse: 1). */
function run(table: Record<string, number>, options: Partial<ChainOptions> & { phrases: string[] }) {
  const asked: (string | null)[] = [];
  const { reverse = false } = options;
  const result = chain({
    bestPrompt: 'p',
    bestSimilarity: 0.1,
    minCount: 0,
    maxCount: 8,
    reverse,
    corrected: false,
    fillsContext: async () => false,
    next: async (prompt, used) => {
      asked.push(prompt);
      const candidates = options.phrases
        .map((phrase, index) => ({ index, similarity: table[prompt === null ? phrase : `${prompt}, ${phrase}`] ?? (reverse ? 1 : -1) }))
        .filter(({ index }) => !used.includes(index));
      return candidates.reduce((a, b) => ((reverse ? b.similarity < a.similarity : b.similarity > a.similarity) ? b : a));
    },
    ...options,
  });
  return { result, asked };
}

test('takes the best phrase while similarity rises, and stops where it falls', async () => {
  const { result } = run({ 'p, a': 0.2, 'p, b': 0.3, 'p, b, a': 0.4, 'p, b, a, c': 0.35 }, { phrases: ['a', 'b', 'c'] });
  expect(await result).toBe('p, b, a');
});

test('goes on through falling similarity for minCount steps, and returns the best prompt met', async () => {
  const table = { 'p, a': 0.05, 'p, a, b': 0.3, 'p, a, b, c': 0.2 };
  expect(await run(table, { phrases: ['a', 'b', 'c'], minCount: 1 }).result).toBe('p, a, b');
  expect(await run(table, { phrases: ['a', 'b', 'c'], minCount: 0 }).result).toBe('p');
});

test('stops at maxCount', async () => {
  const { result, asked } = run({ 'p, a': 0.2, 'p, a, b': 0.3 }, { phrases: ['a', 'b'], maxCount: 1 });
  expect(await result).toBe('p, a');
  expect(asked).toEqual(['p']);
});

test('stops when a kept prompt fills the context', async () => {
  const { result, asked } = run(
    { 'p, a': 0.2, 'p, a, b': 0.3 },
    { phrases: ['a', 'b'], fillsContext: async (prompt) => prompt === 'p, a' },
  );
  expect(await result).toBe('p, a');
  expect(asked).toEqual(['p']);
});

test('ends cleanly when no phrase is left', async () => {
  expect(await run({ 'p, a': 0.2 }, { phrases: ['a'], minCount: 8 }).result).toBe('p, a');
  expect(await run({}, { phrases: [] }).result).toBe('p');
  expect(await run({}, { phrases: [], bestPrompt: '' }).result).toBe('');
});

test('without a prompt begins with the best phrase, which is not used again', async () => {
  const { result, asked } = run({ a: 0.1, b: 0.2, 'b, a': 0.3 }, { phrases: ['a', 'b'], bestPrompt: '' });
  expect(await result).toBe('b, a');
  expect(asked).toEqual([null, 'b']);
});

describe('in reverse', () => {
  const table = { a: 0.2, b: 0.3, c: 0.4, 'a, b': 0.1, 'a, b, c': 0.05 };

  test('a positive first similarity is compared with negated later ones, as in the reference', async () => {
    expect(await run(table, { phrases: ['a', 'b', 'c'], bestPrompt: '', reverse: true, minCount: 8 }).result).toBe('a');
  });

  test('corrected, the prompt grows as long as it gets less similar', async () => {
    const options = { phrases: ['a', 'b', 'c'], bestPrompt: '', reverse: true, corrected: true };
    expect(await run(table, options).result).toBe('a, b, c');
  });
});

test('tells each step and the end', async () => {
  const steps: [number, number][] = [];
  await run({ 'p, a': 0.2, 'p, a, b': 0.1 }, { phrases: ['a', 'b'], onStep: (done, total) => steps.push([done, total]) }).result;
  expect(steps).toEqual([
    [1, 8],
    [8, 8],
  ]);
});
