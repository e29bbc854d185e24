/** Features of pictures and texts, made by workers; what is compared of them is compared here. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Caller } from '../../work/caller';
import { atOnce, type Embedded, type Encoders, type Encoding, type Logits, partsOf } from '../../work/embed';
import { unpackedRows } from '../rows';
import type { Door } from './door';
import { lentPicture } from './lent-picture';

/** Products of numbers that take about 2 ms. */
const PRODUCTS_PER_TURN = 2_000_000;
const PARTS_AT_ONCE = 8;

export class RemoteEncoders implements Encoders {
  readonly partsAtOnce = PARTS_AT_ONCE;
  /** Of the CLIP models whose features were made here: they come with the features. */
  private readonly logits = new Map<string, Logits>();

  constructor(private readonly door: Door) {}

  async enter(caller: Caller, clip: string, load: { kind: string; units: number }): Promise<Encoding> {
    const seat = this.door.enter(caller, { ...load, places: 1 });
    return {
      picture: async (picture) => {
        const { row, size, logits } = await seat.ask('picture', (loan) => ({ picture: lentPicture(picture, loan), clip }));
        this.logits.set(clip, logits);
        return { row: unpackedRows(row, 1)[0] as Float32Array, size };
      },
      texts: async (texts) => {
        const { rows, logits } = await seat.ask('texts', () => ({ texts, clip }));
        this.logits.set(clip, logits);
        return unpackedRows(rows, texts.length);
      },
      [Symbol.dispose]: () => seat[Symbol.dispose](),
    };
  }

  async tokens(caller: Caller, texts: readonly string[], clip: string): Promise<{ all: number; read: number }[]> {
    const parts = partsOf(texts);
    const counts = new Map<string[], { all: number; read: number }[]>();
    await atOnce(PARTS_AT_ONCE, parts, async (part) => {
      counts.set(part, (await this.door.ask(caller, 'tokens', () => ({ texts: part, clip }))).counts);
    });
    return parts.flatMap((part) => counts.get(part) ?? []);
  }

  /** All rows are here already: sending them would take longer. */
  async similarities(
    _: Caller,
    pictures: Embedded,
    texts: Embedded,
    clip: string,
  ): Promise<{ similarities: Float32Array; logits: Logits }> {
    const similarities = new Float32Array(pictures.rows.length * texts.rows.length);
    let place = 0;
    let products = 0;
    for (const picture of pictures.rows) {
      for (const text of texts.rows) {
        let sum = 0;
        for (let i = 0; i < text.length; i += 1) sum += (picture[i] as number) * (text[i] as number);
        similarities[place] = sum;
        place += 1;
        products += text.length;
        if (products < PRODUCTS_PER_TURN) continue;
        products = 0;
        await nextTurn();
      }
    }
    return { similarities, logits: this.logits.get(clip) ?? { scale: null, bias: null } };
  }
}
