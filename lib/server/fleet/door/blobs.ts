/** What workers fetch at the door, and bring there, for as long as a request lasts: by an address that nobody can guess. */
import { randomBytes } from 'node:crypto';
import { Refusal } from '../../answers/refusal';
import type { Stored } from '../../pictures/spool';
import { BLOBS } from '../wire';

export class Blobs {
  private readonly lent = new Map<string, Stored>();
  private readonly inboxes = new Map<string, Loan>();
  private address: string | undefined;

  /** How workers reach the door, without a slash at its end. */
  listenAt(address: string): void {
    this.address = address;
  }

  /** For one request. */
  loan(): Loan {
    return new Loan(this);
  }

  find(token: string): Stored | undefined {
    return this.lent.get(token);
  }

  /** False where nobody waits for it any more. */
  receive(token: string, bytes: Buffer): boolean {
    const loan = this.inboxes.get(token);
    if (!loan) return false;
    loan.received = bytes;
    return true;
  }

  /** @internal */
  lend(stored: Stored): { token: string; url: string } {
    const token = newToken();
    const url = this.urlOf(token);
    this.lent.set(token, stored);
    return { token, url };
  }

  /** @internal */
  inbox(loan: Loan): { token: string; url: string } {
    const token = newToken();
    const url = this.urlOf(token);
    this.inboxes.set(token, loan);
    return { token, url };
  }

  /** @internal */
  forget(token: string): void {
    this.lent.delete(token);
    this.inboxes.delete(token);
  }

  private urlOf(token: string): string {
    if (this.address !== undefined) return this.address + BLOBS + token;
    throw new Refusal(503, 'ERR_NOT_READY', 'This server does not listen: workers cannot fetch pictures of it.', {
      hint: 'Let it listen, or name its address in --advertise.',
    });
  }
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

/** What was lent for a request; taken back when it is disposed of. */
export class Loan implements Disposable {
  received: Buffer | undefined;
  private readonly releases: (() => void)[] = [];

  constructor(private readonly blobs: Blobs) {}

  /** The address of bytes, or of a file. `release` is called when it is taken back. */
  lend(stored: Stored, release?: () => void): string {
    if (release) this.releases.push(release);
    const { token, url } = this.blobs.lend(stored);
    this.releases.push(() => this.blobs.forget(token));
    return url;
  }

  /** Where one answer can be brought: it is in `received` then. */
  inbox(): string {
    const { token, url } = this.blobs.inbox(this);
    this.releases.push(() => this.blobs.forget(token));
    return url;
  }

  [Symbol.dispose](): void {
    for (const release of this.releases.splice(0)) release();
  }
}
