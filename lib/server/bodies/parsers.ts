/** Bodies of all kinds, as fields: JSON, forms with files, a picture by itself, lines of text. */
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify';
import { badRequest, Refusal } from '../answers/refusal';
import { Held } from '../pictures/held';
import { fileToken } from '../pictures/intake';
import { PictureBytes, pictureOf, type SentPicture } from '../pictures/picture';
import type { Spool } from '../pictures/spool';
import { fieldsOf } from './fields';
import { parseWithLongStrings } from './long-strings';

export interface BodyOptions {
  /** Bytes. */
  maxBody: number;
  spool: Spool;
}

/** Bytes of what stands between the parts of a form. */
const FORM_OVERHEAD = 1 << 20;

/** Files in one form at the most. */
const MOST_FILES = 1000;

/**
 * Bytes of a part that wait to be read: more than a connection gives at once. The parser of forms never ends where a part that it leaves out,
 * such as one without a name, has more than so many in the piece of the body that it ends in.
 */
const PART_BYTES = 1 << 20;

/** Routes that take a picture as a body by itself have its field's name here. */
declare module 'fastify' {
  interface FastifyContextConfig {
    /** The field that a file of a form, or a body that is a picture, is put in. */
    pictureField?: string;
    /** A body of text is not parsed: the route wants its lines. */
    plainText?: boolean;
  }
}

/** To be called within the plugin's own context, before its routes. */
export async function readBodies(app: FastifyInstance, { maxBody, spool }: BodyOptions): Promise<void> {
  app.decorateRequest('outlives', false);
  for (const name of ['longStrings', 'pictureFiles', 'held']) app.decorateRequest(name as 'outlives', null as unknown as boolean);
  app.addHook('onRequest', async (request, reply) => {
    request.longStrings = [];
    request.pictureFiles = [];
    request.held = new Held();
    request.outlives = false;
    // Also where the client has left, and no response is sent.
    reply.raw.once('close', () => {
      if (!request.outlives) request.held.letGo();
    });
  });
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser(/^application\/([\w.-]+\+)?json\b/, async (request: FastifyRequest, body: AsyncIterable<Buffer>) => {
    // Clients that name a type for every request send nothing with these.
    if (request.method === 'DELETE') return undefined;
    const { value, strings } = await parseWithLongStrings(body, spool, maxBody);
    request.longStrings = strings.map((each) => held(request, new PictureBytes(each.stored, each.length)));
    return value;
  });
  app.addContentTypeParser(/^(image\/[\w.+-]+|application\/octet-stream)\b/, async (request: FastifyRequest, body: AsyncIterable<Buffer>) =>
    pictureBody(request, body, { maxBody, spool }),
  );
  app.addContentTypeParser('text/plain', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (!request.routeOptions.config.plainText) throw unsupported();
    return body;
  });
  // An app that reads forms already does it for these routes, too.
  if (!app.hasContentTypeParser('multipart/form-data'))
    await app.register(require('@fastify/multipart') as typeof import('@fastify/multipart'), {
      limits: { fileSize: maxBody, files: MOST_FILES, fields: MOST_FILES, fieldSize: 4 << 20, headerPairs: 100 },
      fileHwm: PART_BYTES,
    });
  app.addHook('preValidation', async (request) => {
    if (!request.isMultipart()) return;
    if (Number(request.headers['content-length'] ?? 0) > maxBody + FORM_OVERHEAD) {
      throw new Refusal(413, 'ERR_BODY_SIZE', `The form is larger than ${maxBody} bytes.`);
    }
    if (request.routeOptions.config.pictureField === undefined) throw unsupported();
    request.body = await formOf(request, { maxBody, spool }).catch((error: Error & { statusCode?: number }) => {
      // What the parser of forms says has no status.
      if (error instanceof Refusal || error.statusCode !== undefined) throw error;
      throw badRequest(`The form cannot be read: ${error.message.slice(0, 200)}.`);
    });
  });
}

/** A body that is a picture; its fields stand behind the ?. Rejects with 413, and with 415 where the route takes none. */
export async function pictureBody(request: FastifyRequest, body: AsyncIterable<Buffer>, options: BodyOptions) {
  const { pictureField } = request.routeOptions.config;
  if (pictureField === undefined) throw unsupported();
  request.pictureFiles = [await fileOf(request, body, options)];
  return { ...fieldsOf(request, Object.entries(request.query as Record<string, string>)), [pictureField]: fileToken(0) };
}

function held<T extends { release(): void }>(request: FastifyRequest, bytes: T): T {
  request.held.add(() => bytes.release());
  return bytes;
}

async function fileOf(request: FastifyRequest, stream: AsyncIterable<Buffer>, { maxBody, spool }: BodyOptions): Promise<SentPicture> {
  const picture = pictureOf(await spool.collect(stream, maxBody));
  held(request, picture.bytes);
  return picture;
}

async function formOf(request: FastifyRequest, options: BodyOptions): Promise<unknown> {
  const pictureField = request.routeOptions.config.pictureField as string;
  const files: SentPicture[] = [];
  const fields: [string, string][] = [];
  // The limit is of all of its parts together.
  let left = options.maxBody;
  const count = (bytes: number): void => {
    left -= bytes;
    if (left < 0) throw new Refusal(413, 'ERR_BODY_SIZE', `The form is larger than ${options.maxBody} bytes.`);
  };
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        const value = String(part.value);
        count(Buffer.byteLength(value));
        fields.push([part.fieldname, value]);
        continue;
      }
      const file = await fileOf(request, part.file, { ...options, maxBody: left });
      count(file.bytes?.length ?? 0);
      files.push(file);
    }
  } catch (error) {
    // What the form's own reader throws for a form that is none has no status.
    if (error instanceof Refusal || (error as FastifyError).statusCode) throw error;
    throw badRequest(`The form cannot be read: ${(error as Error).message.slice(0, 200)}.`);
  }
  request.pictureFiles = files;
  const [first, ...others] = files.keys();
  if (first === undefined) return fieldsOf(request, fields);
  const tokens = [first, ...others].map(fileToken);
  return { ...fieldsOf(request, fields), [pictureField]: others.length === 0 ? tokens[0] : tokens };
}

function unsupported(): Error {
  return Object.assign(new Error('Bodies of this type are not read here.'), { statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE' });
}

/** The lines of a text body, without empty ones. */
export async function linesOf(body: Buffer, most: number): Promise<string[]> {
  const { setImmediate: nextTurn } = require('node:timers/promises') as typeof import('node:timers/promises');
  const lines: string[] = [];
  let turn = 1 << 18;
  for (let at = 0; at < body.length; ) {
    const found = body.indexOf(0x0a, at);
    const end = found < 0 ? body.length : found;
    const line = body.toString('utf8', at, end).trim();
    if (line !== '') lines.push(line);
    if (lines.length > most) throw badRequest(`More than ${most} lines.`);
    at = end + 1;
    if (at < turn) continue;
    await nextTurn();
    turn = at + (1 << 18);
  }
  return lines;
}
