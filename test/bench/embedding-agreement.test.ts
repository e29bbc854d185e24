/** When two servers count as giving the same embeddings. */
import { benchModule } from './module';

describe('disagreement', () => {
  const pictures = 12;
  const dim = 24;

  /** Unit vectors in directions of their own. */
  function embeddings(): number[][] {
    return Array.from({ length: pictures }, (_, picture) => {
      const vector = Array.from({ length: dim }, (_each, at) => Math.sin((picture + 1) * (at + 1) * 1.7));
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    });
  }

  async function faultOf(ours: number[][], theirs: number[][]): Promise<string | undefined> {
    const { disagreement } = await benchModule('server/embedding-agreement.mjs');
    return disagreement(ours, theirs).fault;
  }

  test('is none between vectors that differ by rounding', async () => {
    const theirs = embeddings();
    const ours = theirs.map((vector) => vector.map((value, at) => value + (at % 2 === 0 ? 1e-4 : -1e-4)));
    expect(await faultOf(ours, theirs)).toBeUndefined();
  });

  test.each([...Array(pictures).keys()])('is found where picture %i alone points elsewhere', async (picture) => {
    const theirs = embeddings();
    const ours = theirs.map((vector, each) => (each === picture ? vector.toReversed() : vector));
    expect(await faultOf(ours, theirs)).toMatch(/cosine of/);
  });

  test('is found where all pictures have one embedding', async () => {
    const [only] = embeddings();
    const same = Array.from({ length: pictures }, () => only as number[]);
    expect(await faultOf(same, same)).toMatch(/another picture's/);
  });

  test.each([
    ['has another length', (vector: number[]) => vector.slice(1)],
    ['is not of numbers', (vector: number[]) => vector.map(() => Number.NaN)],
  ])('is found where an embedding %s', async (_, change) => {
    const theirs = embeddings();
    expect(await faultOf([change(theirs[0] as number[]), ...theirs.slice(1)], theirs)).toMatch(/cosine of/);
  });
});
