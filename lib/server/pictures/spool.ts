/**
 * Where the bytes of requests wait. Large ones go to files: memory outside of JavaScript's heap makes the garbage collector run, and hold
 * the event loop, the more often the more of it comes and goes; and a hundred clients that send 32 MB each are no reason to fail.
 */
import { createHash, type Hash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { isAlive } from '../../files/lock';
import { Refusal } from '../answers/refusal';

/** What is shorter stays in memory. */
const SMALL = 128 << 10;
const PREFIX = 'torch-interrogator-serve-';

/** Bytes in memory, or the path of a file that has them. */
export type Stored = Buffer | string;

export class Spool {
  private folder: string | undefined;
  private count = 0;

  /** Writes bytes down as they come. */
  writer(): SpoolWriter {
    return new SpoolWriter(() => this.nextFile());
  }

  /** All of a stream. Rejects with 413 beyond `most` bytes. */
  async collect(stream: AsyncIterable<Buffer>, most: number): Promise<SpoolWriter> {
    const writer = this.writer();
    try {
      for await (const part of stream) {
        if (writer.length + part.length > most) throw new Refusal(413, 'ERR_BODY_SIZE', `The body is larger than ${most} bytes.`);
        await writer.write(part);
      }
      await writer.end();
      return writer;
    } catch (error) {
      await writer.discard();
      throw error;
    }
  }

  close(): void {
    if (this.folder === undefined) return;
    rmSync(this.folder, { recursive: true, force: true });
    own.delete(this.folder);
    this.folder = undefined;
  }

  /** In a folder of this process's own. Those of processes that were killed are removed. */
  private nextFile(): string {
    if (this.folder === undefined) {
      removeLeft();
      this.folder = mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
      own.add(this.folder);
    }
    this.count += 1;
    return path.join(this.folder, String(this.count));
  }
}

export class SpoolWriter {
  length = 0;
  private readonly hash: Hash = createHash('sha256');
  private parts: Buffer[] = [];
  private handle: FileHandle | undefined;
  private file: string | undefined;

  constructor(private readonly nextFile: () => string) {}

  /** The memory may be used again when this resolves. */
  async write(part: Buffer): Promise<void> {
    this.hash.update(part);
    this.length += part.length;
    if (this.file === undefined && this.length <= SMALL) {
      this.parts.push(Buffer.from(part));
      return;
    }
    try {
      if (!this.handle) {
        this.file = this.nextFile();
        this.handle = await open(this.file, 'wx', 0o600);
        for (const earlier of this.parts) await this.handle.writeFile(earlier);
        this.parts = [];
      }
      await this.handle.writeFile(part);
    } catch (cause) {
      throw new Refusal(507, 'ERR_IO', `The body could not be kept (${(cause as NodeJS.ErrnoException).code}).`, {
        hint: `Is the disk of ${os.tmpdir()} full? TMPDIR names another one.`,
        cause,
      });
    }
  }

  async end(): Promise<void> {
    await this.handle?.close();
    this.handle = undefined;
  }

  async discard(): Promise<void> {
    await this.end().catch(() => {});
    if (this.file !== undefined) await rm(this.file, { force: true });
    this.parts = [];
  }

  /** To be called once, behind end(). */
  get stored(): Stored {
    return this.file ?? Buffer.concat(this.parts);
  }

  /** SHA-256 in hexadecimal digits. To be called once. */
  digest(): string {
    return this.hash.digest('hex');
  }
}

/** Of this process: a process in a container that was restarted may have the number of the one before it. */
const own = new Set<string>();

function removeLeft(): void {
  for (const name of readdirSync(os.tmpdir())) {
    const folder = path.join(os.tmpdir(), name);
    const pid = name.startsWith(PREFIX) ? Number(name.slice(PREFIX.length).split('-')[0]) : 0;
    if (!(pid > 0) || own.has(folder) || (pid !== process.pid && isAlive(pid))) continue;
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Another user's: it is theirs to remove.
    }
  }
}
