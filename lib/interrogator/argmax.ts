/** The index of the largest number (reverse: the smallest), the first among equals; 0 where there is none. */
export function argmax(values: ArrayLike<number>, { reverse = false } = {}): number {
  let best = 0;
  for (let i = 1; i < values.length; i += 1) {
    const [value, leader] = [values[i] as number, values[best] as number];
    if (reverse ? value < leader : value > leader) best = i;
  }
  return best;
}
