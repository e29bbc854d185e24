/** Disjoint sets of places, joined pair by pair. */
export class Groups {
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.parents = Int32Array.from({ length: count }, (_, place) => place);
  }

  join(a: number, b: number): void {
    const [one, other] = [this.root(a), this.root(b)];
    // The smaller place leads, whatever the order in which pairs are found.
    this.parents[Math.max(one, other)] = Math.min(one, other);
  }

  /** Groups of two and more, with rising places, in the order of their first. */
  all(): number[][] {
    const groups = new Map<number, number[]>();
    for (let place = 0; place < this.parents.length; place += 1) {
      const root = this.root(place);
      const group = groups.get(root);
      if (group) group.push(place);
      else groups.set(root, [place]);
    }
    return [...groups.values()].filter((group) => group.length > 1);
  }

  root(place: number): number {
    let root = place;
    while (this.parents[root] !== root) root = this.parents[root] as number;
    for (let at = place; at !== root; ) {
      const next = this.parents[at] as number;
      this.parents[at] = root;
      at = next;
    }
    return root;
  }
}
