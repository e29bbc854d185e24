import { setImmediate as nextTurn } from 'node:timers/promises';

/** Copying so many takes about 1 ms. */
export const BYTES_PER_TURN = 4 << 20;

/** One after the other in memory of their own, a slice at a time. Empties the list, so that each part can be freed. */
export async function joined(parts: Buffer[]): Promise<Buffer> {
  const whole = Buffer.allocUnsafeSlow(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  let turn = BYTES_PER_TURN;
  parts.reverse();
  for (let part = parts.pop(); part; part = parts.pop()) {
    whole.set(part, at);
    at += part.length;
    if (at < turn) continue;
    turn = at + BYTES_PER_TURN;
    await nextTurn();
  }
  return whole;
}
