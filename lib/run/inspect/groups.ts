/** Which of many belong together, as pairs of them say. */

/** Union-find over 0 … count - 1, by size and with paths halved: nearly constant time a pair. */
export class Groups {
  private readonly parents: Int32Array;
  private readonly sizes: Int32Array;

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, i) => i);
    this.sizes = new Int32Array(count).fill(1);
  }

  /** Puts the groups of both together. */
  join(a: number, b: number): void {
    let [large, small] = [this.find(a), this.find(b)];
    if (large === small) return;
    if ((this.sizes[large] as number) < (this.sizes[small] as number)) [large, small] = [small, large];
    this.parents[small] = large;
    this.sizes[large] = (this.sizes[large] as number) + (this.sizes[small] as number);
  }

  /** The same number for all of a group. */
  find(member: number): number {
    const { parents } = this;
    let at = member;
    while (parents[at] !== at) {
      parents[at] = parents[parents[at] as number] as number;
      at = parents[at] as number;
    }
    return at;
  }

  /** Groups of at least two, each in rising order; by their first members. */
  get all(): number[][] {
    const members = new Map<number, number[]>();
    for (let i = 0; i < this.parents.length; i += 1) {
      const root = this.find(i);
      if ((this.sizes[root] as number) < 2) continue;
      const group = members.get(root);
      if (group) group.push(i);
      else members.set(root, [i]);
    }
    return [...members.values()];
  }
}
