/** What is being done, and the bytes so far and in all; 0 where they are not known. */
export type FetchListener = (title: string, done: number, total: number) => void;

/** Tells a listener whose failure is no failure of what it listens to. */
export function tell(listen: () => void): void {
  try {
    listen();
  } catch {
    // Its own matter.
  }
}
