/** What workers fetch at the door, and bring there, for as long as a request lasts: by an address that nobody can guess. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { Refusal } from '../../answers/refusal';
import type { Spool, SpoolWriter, Stored } from '../../pictures/spool';
import { BLOBS, MOST_ANSWER } from '../wire';

/** Bytes of answers that are here at a time, those of all requests together. */
const MOST_ANSWERS = 4 * MOST_ANSWER;

export interface BlobLimits {
  /** Bytes of the answer to one request. */
  answer: number;
  /** Bytes of all answers together. */
  answers: number;
}

export class Blobs {
  private readonly lent = new Map<string, Stored>();
  private readonly inboxes = new Map<string, Loan>();
  private address: string | undefined;
  private received = 0;

  constructor(
    private readonly spool: Spool,
    private readonly limits: BlobLimits = { answer: MOST_ANSWER, answers: MOST_ANSWERS },
  ) {}

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

  /** Somebody waits for an answer there. */
  isAwaited(token: string): boolean {
    return this.inboxes.has(token);
  }

  /**
   * Reads an answer as it comes, large ones to a file. False where nobody waits for it any more. Rejects with a Refusal: 413 for one that
   * is too large, and 507 where the others leave no room for it. What is left of `body` then is for the caller to read or to refuse.
   */
  async receive(token: string, body: Readable): Promise<boolean> {
    const loan = this.inboxes.get(token);
    // A worker that was thought dead may bring it a second time.
    if (!loan || loan.isAnswered) return loan !== undefined;
    const writer = this.spool.writer();
    let taken = 0;
    try {
      for await (const part of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (loan.isOver) break;
        this.take(loan, part.length);
        taken += part.length;
        await writer.write(part);
      }
      await writer.end();
      if (loan.keep(writer)) return true;
    } catch (error) {
      await this.drop(loan, writer, taken);
      throw error;
    }
    await this.drop(loan, writer, taken);
    return !loan.isOver;
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

  /** @internal The bytes are counted no more when it resolves. */
  async drop(loan: Loan, writer: SpoolWriter, bytes: number): Promise<void> {
    await writer.discard().catch(() => {});
    loan.bytes -= bytes;
    this.received -= bytes;
  }

  private take(loan: Loan, bytes: number): void {
    const { answer, answers } = this.limits;
    // Of one that comes twice at the same time, both count.
    if (loan.bytes + bytes > answer) throw new Refusal(413, 'ERR_BODY_SIZE', `An answer has at most ${answer} bytes here.`);
    if (this.received + bytes > answers) throw new Refusal(507, 'ERR_BUSY', 'There is no room for another answer now.');
    loan.bytes += bytes;
    this.received += bytes;
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
  /** @internal Of answers that were brought for it, or are on their way. */
  bytes = 0;
  isOver = false;
  private answer: SpoolWriter | undefined;
  private readonly releases: (() => void)[] = [];

  constructor(private readonly blobs: Blobs) {}

  /** The address of bytes, or of a file. `release` is called when it is taken back. */
  lend(stored: Stored, release?: () => void): string {
    if (release) this.releases.push(release);
    const { token, url } = this.blobs.lend(stored);
    this.releases.push(() => this.blobs.forget(token));
    return url;
  }

  /** Where one answer can be brought. */
  inbox(): string {
    const { token, url } = this.blobs.inbox(this);
    this.releases.push(() => this.blobs.forget(token));
    return url;
  }

  /** An answer was brought. */
  get isAnswered(): boolean {
    return this.answer !== undefined;
  }

  /** The answer that was brought; undefined where none was. To be called once. */
  async received(): Promise<string | undefined> {
    const stored = this.answer?.stored;
    return typeof stored === 'string' ? await readFile(stored, 'utf8') : stored?.toString();
  }

  /** @internal False where it is not wanted. */
  keep(writer: SpoolWriter): boolean {
    if (this.isOver || this.answer) return false;
    this.answer = writer;
    this.releases.push(() => void this.blobs.drop(this, writer, writer.length));
    return true;
  }

  [Symbol.dispose](): void {
    this.isOver = true;
    for (const release of this.releases.splice(0)) release();
  }
}
