/** What a request needs of the models, and the interrogator that has it. */
import type { Config, Interrogator } from '../../index';

/** A CLIP model with a caption model, and the settings that an interrogator has for all of its calls. */
export interface PairWish {
  clip: string;
  /** null: none is needed. */
  caption: string | null;
  ranking?: Config['ranking'] | undefined;
  compat?: Config['compat'] | undefined;
  chunkSize?: number | undefined;
  flavorIntermediateCount?: number | undefined;
}

/** Of two wishes that one interrogator answers, the same. */
export function pairKey({ clip, caption, ranking, compat, chunkSize, flavorIntermediateCount }: PairWish): string {
  return JSON.stringify([clip, caption, ranking, compat, chunkSize, flavorIntermediateCount]);
}

export class Pair {
  interrogator: Interrogator | undefined;
  /** Requests that use it now. */
  users = 0;
  /** Milliseconds, of performance.now(). */
  usedAt = performance.now();

  constructor(
    readonly key: string,
    readonly wish: PairWish,
    /** Settles when it is open. */
    readonly opening: Promise<Interrogator>,
    /** Named at the start: it stays. */
    readonly stays: boolean,
  ) {
    opening.then(
      (interrogator) => {
        this.interrogator = interrogator;
      },
      () => {},
    );
  }

  get isIdle(): boolean {
    return this.interrogator !== undefined && this.users === 0;
  }

  uses(kind: 'clip' | 'caption', name: string): boolean {
    return this.wish[kind] === name;
  }
}
