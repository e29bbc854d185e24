/** What a request keeps for as long as it lasts. */
export class Held {
  private releases: (() => void)[] | undefined = [];

  /** `release` is called when the request has ended; at once where it has. */
  add(release: () => void): void {
    if (this.releases) this.releases.push(release);
    else release();
  }

  letGo(): void {
    const { releases = [] } = this;
    this.releases = undefined;
    for (const release of releases) release();
  }
}
