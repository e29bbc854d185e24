/** From what a request gives for a picture to its bytes. */
import { open } from 'node:fs/promises';
import type { FastifyRequest } from 'fastify';
import { AbortError } from '../../index';
import { badRequest, Refusal } from '../answers/refusal';
import { placeOf } from '../bodies/long-strings';
import { fromBase64 } from './base64';
import type { PictureCache } from './cache';
import type { Held } from './held';
import { type PictureBytes, pictureOf, type SentPicture } from './picture';
import type { PictureFetcher } from './remote';
import type { Spool, SpoolWriter, Stored } from './spool';

declare module 'fastify' {
  interface FastifyRequest {
    /** Strings of the body that were too long to stay in it. */
    longStrings: readonly PictureBytes[];
    /** Files of the body. */
    pictureFiles: readonly SentPicture[];
    /** What is let go when the request ends. */
    held: Held;
    /** A job goes on with it. */
    outlives: boolean;
  }
}

/** What of a request its fields name. */
export type Sent = Pick<FastifyRequest, 'longStrings' | 'pictureFiles' | 'held'>;

export interface IntakeOptions {
  cache: PictureCache;
  spool: Spool;
  /** Undefined where URLs are not fetched. */
  fetcher: PictureFetcher | undefined;
  maxBytes: number;
}

/** Each may take 20 s. */
const MOST_URLS = 8;
const FILE = '\u0000file:';
const DATA_URL = /^data:[^,]{0,200}?(;\s*base64)?\s*,/i;
/** A data: URL's beginning is within so much. */
const HEAD = 300;

/** What stands for a file of the body in its field. */
export function fileToken(number: number): string {
  return FILE + number;
}

export class Intake {
  /** Fetched for each request so far. */
  private readonly urls = new WeakMap<Held, number>();

  constructor(private readonly options: IntakeOptions) {}

  /** Rejects with 400, 403, 404, 413, 422. The bytes are there until the request ends; they are kept for later ones. */
  async picture(request: Sent, given: string, signal: AbortSignal): Promise<SentPicture> {
    const { cache } = this.options;
    const id = /^picture:([0-9a-f]{64})$/.exec(given)?.[1];
    if (id !== undefined) {
      const known = cache.find(id);
      if (!known) {
        throw new Refusal(404, 'ERR_PICTURE_FORGOTTEN', 'This picture is not in memory any more, or never was.', {
          hint: 'Send its bytes.',
        });
      }
      const release = known.bytes?.hold();
      if (release) request.held.add(release);
      return known;
    }
    const picture = await this.sent(request, given, signal);
    throwIfGone(signal);
    cache.keep(picture);
    return picture;
  }

  /** One, or several, in their order. */
  async pictures(request: Sent, given: string | readonly string[], signal: AbortSignal): Promise<SentPicture[]> {
    const pictures: SentPicture[] = [];
    for (const each of typeof given === 'string' ? [given] : given) pictures.push(await this.picture(request, each, signal));
    return pictures;
  }

  private async sent(request: Sent, given: string, signal: AbortSignal): Promise<SentPicture> {
    const { spool } = this.options;
    if (given.startsWith(FILE)) {
      const file = request.pictureFiles[Number(given.slice(FILE.length))];
      if (file) return file;
    }
    const made = (writer: SpoolWriter): SentPicture => {
      const picture = pictureOf(writer);
      request.held.add(() => picture.bytes.release());
      return picture;
    };
    if (/^https?:/i.test(given)) return made(await this.fetched(request, given, signal));
    const place = placeOf(given);
    const long = place === undefined ? undefined : request.longStrings[place];
    const text = long?.source ?? Buffer.from(given, 'latin1');
    const head = (await headOf(text)).replaceAll('\\/', '/');
    if (!/^data:/i.test(head)) return made(await fromBase64(text, spool));
    if (!DATA_URL.exec(head)?.[1]) throw badRequest('A data: URL of a picture must be in Base64.', 'Write data:image/png;base64,…');
    return made(await fromBase64(text, spool, (await headOf(text)).indexOf(',') + 1));
  }

  private fetched(request: Sent, url: string, signal: AbortSignal): Promise<SpoolWriter> {
    const { fetcher, maxBytes, spool } = this.options;
    const count = (this.urls.get(request.held) ?? 0) + 1;
    this.urls.set(request.held, count);
    if (count > MOST_URLS)
      throw badRequest(`At most ${MOST_URLS} URLs of pictures are fetched for a request.`, 'Send the bytes of the others.');
    if (fetcher) return fetcher.fetch(url, spool, { maxBytes, signal });
    throw new Refusal(403, 'ERR_IMAGE_URL', 'This server does not fetch pictures of URLs.', {
      hint: 'Send the bytes, or start the server with --allow-urls.',
    });
  }
}

/** Of a client that has left, nothing is there any more. */
function throwIfGone(signal: AbortSignal): void {
  if (signal.aborted) throw new AbortError(signal.reason);
}

async function headOf(text: Stored): Promise<string> {
  if (typeof text !== 'string') return text.toString('latin1', 0, HEAD);
  const handle = await open(text);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
