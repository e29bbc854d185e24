/** What has come of a file so far: on the disk, so that any process can go on with it, and the hash of it. One process at a time. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { abandonable } from '../abort';
import { throwIfAborted } from '../errors';

/** What a whole file must be; what is not given is not checked. */
export interface Expected {
  /** SHA-256 in hexadecimal digits. */
  sha256?: string | undefined;
  /** In place of the SHA-256: what git calls the file, the SHA-1 of its length and content. With `bytes` only. */
  gitBlob?: string | undefined;
  bytes?: number | undefined;
}

/** Bytes that are hashed before others get a turn. */
const HASHED_AT_ONCE = 1 << 20;

export class Part {
  /** False once a server gave another rest than it was asked for: then all is asked for. */
  isContinued = true;
  private hash: Hash | undefined;
  private hashed = 0;

  constructor(
    readonly file: string,
    private readonly expected: Expected,
  ) {
    this.hash = this.newHash();
  }

  async size(): Promise<number> {
    return (await stat(this.file).catch(() => undefined))?.size ?? 0;
  }

  /** Which version of the file this is the start of, as its server named it. Empty where that is not known. */
  async version(): Promise<string> {
    return readFile(this.mark, 'utf8').catch(() => '');
  }

  /** Forgets what was there. */
  async restart(version: string): Promise<void> {
    await writeFile(this.file, '');
    await writeFile(this.mark, version);
    this.forget();
  }

  /** Hashes what another process, or an attempt that broke off, left on the disk. */
  async catchUp(signal?: AbortSignal): Promise<void> {
    const size = await this.size();
    if (!this.hash || this.hashed === size) return;
    this.forget();
    for await (const piece of createReadStream(this.file, { highWaterMark: HASHED_AT_ONCE })) {
      throwIfAborted(signal);
      this.hash?.update(piece as Buffer);
      this.hashed += (piece as Buffer).length;
    }
  }

  /** Adds these bytes. After each piece they are in the file, as far as a killed process is concerned. */
  async append(pieces: AsyncIterable<Buffer>): Promise<void> {
    const handle = await open(this.file, 'a');
    try {
      for await (const piece of pieces) {
        await handle.appendFile(piece);
        this.hash?.update(piece);
        this.hashed += piece.length;
      }
    } finally {
      await handle.close();
    }
  }

  /** What is wrong with the whole of it, undefined where nothing is. */
  async fault(signal?: AbortSignal): Promise<string | undefined> {
    const { sha256, gitBlob, bytes } = this.expected;
    const size = await this.size();
    if (bytes !== undefined && size !== bytes) return `it has ${size} bytes, not ${bytes}`;
    await this.catchUp(signal);
    const digest = this.hash?.copy().digest('hex');
    if (digest === (sha256 ?? gitBlob)) return undefined;
    return sha256 === undefined ? `its git hash is not ${gitBlob}` : `its SHA-256 is not ${sha256}`;
  }

  /** Gives it its name, once all of it is on the disk. */
  async finish(file: string, signal?: AbortSignal): Promise<void> {
    const handle = await open(this.file, 'r+');
    await abandonable(
      handle.sync().finally(() => handle.close()),
      signal,
    );
    await rename(this.file, file);
    await rm(this.mark, { force: true });
  }

  async remove(): Promise<void> {
    await Promise.all([this.file, this.mark].map((file) => rm(file, { force: true })));
    this.forget();
  }

  private get mark(): string {
    return `${this.file}.version`;
  }

  private forget(): void {
    this.hash = this.newHash();
    this.hashed = 0;
  }

  private newHash(): Hash | undefined {
    const { sha256, gitBlob, bytes } = this.expected;
    if (sha256 !== undefined) return createHash('sha256');
    return gitBlob === undefined ? undefined : createHash('sha1').update(`blob ${bytes}\0`);
  }
}
