/** The reference asks whether the last of the padded ids is not 0: what that says for each kind of text tower, and what is mended. */
import { Clip } from '../../lib/engine/clip';

const never = { signal: new AbortController().signal } as never;

/** Of a tower with a context of eight, for a text of so many tokens. */
function fills(tokens: number, corrected: boolean, ids: { sotId: number | null; eotId: number; padId: number }): Promise<boolean> {
  const tokenizer = { encode: () => new Int32Array(tokens).fill(7) };
  const text = { contextLength: 8, ...ids };
  const clip: Clip = Object.assign(Object.create(Clip.prototype), { tokenizer, text, corrected });
  return clip.fillsContext('a text', never);
}

/** The last id of [start] + tokens + [end], cut and padded to the context, as the reference's tokenizers lay it out. */
function lastIsNotZero(tokens: number, { sotId, eotId, padId }: { sotId: number | null; eotId: number; padId: number }): boolean {
  const whole = [...(sotId === null ? [] : [sotId]), ...Array(tokens).fill(7)].slice(0, 7);
  return [...whole, eotId, ...Array(8).fill(padId)][7] !== 0;
}

const TOWERS = {
  CLIP: { sotId: 5, eotId: 6, padId: 0 },
  RoBERTa: { sotId: 0, eotId: 2, padId: 1 },
  mT5: { sotId: null, eotId: 1, padId: 0 },
  SigLIP: { sotId: null, eotId: 1, padId: 1 },
  CLIPA: { sotId: 5, eotId: 0, padId: 0 },
};

describe.each(Object.entries(TOWERS))('%s', (_name, ids) => {
  test('by default a text is full where the reference says so', async () => {
    for (let tokens = 0; tokens < 12; tokens += 1)
      expect([tokens, await fills(tokens, false, ids)]).toEqual([tokens, lastIsNotZero(tokens, ids)]);
  });

  test('corrected, it is where its tokens and those at its ends take all places', async () => {
    const most = ids.sotId === null ? 7 : 6;
    for (let tokens = 0; tokens < 12; tokens += 1) expect([tokens, await fills(tokens, true, ids)]).toEqual([tokens, tokens >= most]);
  });
});
