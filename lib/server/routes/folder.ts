/** `/v1/folder`: the gallery of the folder that the server was started with. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Mode, thumbnail } from '../../index';
import { EventStream } from '../answers/event-stream';
import { notFound } from '../answers/refusal';
import { CaptionEdit, Folder, FolderPicture, FolderPictures, FolderQuery, FolderRun, FolderRunBody } from '../contract/folder';
import { FolderRunner } from '../folder/folder-run';
import { Gallery, type Shown, textsOf } from '../folder/gallery';
import { searchPictures } from '../folder/search';
import { ThumbnailCache } from '../folder/thumbnails';
import type { Service } from '../service';
import { responses } from './answer';

const Id = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{24}$' }) });
type OfPicture = { Params: Static<typeof Id> };

/** What browsers show; others are shown as JPEGs. */
const TYPES: Record<string, string> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  avif: 'image/avif',
};
const Binary = { description: 'The picture.', content: { 'image/*': { schema: Type.String({ format: 'binary' }) } } };
const LARGE = 1024;

export function folderRoutes(app: FastifyInstance, service: Service): void {
  const { folder } = service.settings;
  if (folder === undefined) return;
  const tags = ['folder'];
  const thumbnails = new ThumbnailCache();
  let opened: { gallery: Gallery; runner: FolderRunner } | undefined;
  /** The models' names are known only once the server has begun. */
  const open = (): { gallery: Gallery; runner: FolderRunner } => {
    if (opened) return opened;
    const gallery = new Gallery(folder, service.clip());
    const runner = new FolderRunner(folder, async () =>
      service.parts.devices.borrow({ clip: service.clip(), caption: service.captioner() }, NEVER),
    );
    runner.events.on('run', ({ state }: FolderRun) => state !== 'running' && gallery.forget());
    opened = { gallery, runner };
    return opened;
  };
  app.addHook('onClose', async () => {
    await opened?.runner.pause();
  });

  app.get('/folder', { schema: { tags, summary: 'The folder', response: responses({ 200: Folder }) } }, async () => {
    const { gallery, runner } = open();
    const entries = await gallery.all();
    const shown = await gallery.withCaptions(entries);
    return {
      name: gallery.name,
      pictures: entries.length,
      captioned: shown.filter(({ caption }) => caption).length,
      failed: entries.filter(({ kept }) => kept?.error !== undefined).length,
      run: await runner.shown(),
    };
  });

  app.get<{ Querystring: FolderQuery }>(
    '/folder/pictures',
    { schema: { tags, summary: 'Its pictures', querystring: FolderQuery, response: responses({ 200: FolderPictures }) } },
    async (request, reply) => {
      const { similar } = request.query;
      const { gallery } = open();
      let phrase: Float32Array | undefined;
      if (similar?.trim()) {
        using caller = service.caller(request, reply);
        [phrase] = (await service.parts.embedding.textRows(caller, [similar], service.clip())).rows;
      }
      const { pictures, total } = await searchPictures(gallery, request.query, phrase);
      return { pictures: await Promise.all(pictures.map(shownOf)), total };
    },
  );

  app.get<OfPicture>(
    '/folder/pictures/:id/thumbnail',
    { schema: { tags, summary: 'A small JPEG', params: Id, response: responses({ 200: Binary as never }, 422) } },
    async ({ params }, reply) => {
      const { file } = await open().gallery.find(params.id);
      const small = await thumbnails.get(file).catch(gone);
      return reply.type('image/jpeg').header('cache-control', 'private, max-age=60').send(small);
    },
  );

  app.get<OfPicture>(
    '/folder/pictures/:id/image',
    { schema: { tags, summary: 'The picture', params: Id, response: responses({ 200: Binary as never }, 422) } },
    async ({ params }, reply) => {
      const { file, path } = await open().gallery.find(params.id);
      const type = TYPES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];
      await stat(file).catch(gone);
      if (!type) return reply.type('image/jpeg').send(await thumbnail(file.toString(), { size: LARGE }));
      return reply.type(type).header('cache-control', 'private, max-age=60').send(createReadStream(file));
    },
  );

  app.put<OfPicture & { Body: Static<typeof CaptionEdit> }>(
    '/folder/pictures/:id/caption',
    {
      schema: {
        tags,
        summary: 'Write the text beside a picture',
        params: Id,
        body: CaptionEdit,
        response: responses({ 200: FolderPicture }, 409),
      },
    },
    async ({ params, body }) => {
      const { gallery } = open();
      const { caption, expected } = body;
      return shownOf(await gallery.write(await gallery.find(params.id), caption, expected));
    },
  );

  app.post<{ Body: Static<typeof FolderRunBody> }>(
    '/folder/run',
    {
      schema: {
        tags,
        summary: 'Caption what is missing',
        body: FolderRunBody,
        response: responses({ 200: FolderRun }, 409),
      },
    },
    async ({ body }) => {
      service.requireReady();
      const { modes = ['caption'] as Mode[], again = 'missing', sidecar = true } = body;
      return open().runner.start({ modes, again, sidecar });
    },
  );
  app.post('/folder/run/pause', { schema: { tags, summary: 'Pause the run', response: responses({ 200: FolderRun }) } }, async () =>
    open().runner.pause(),
  );
  app.post('/folder/run/resume', { schema: { tags, summary: 'Go on with it', response: responses({ 200: FolderRun }, 409) } }, async () => {
    service.requireReady();
    return open().runner.resume();
  });

  app.get(
    '/folder/events',
    {
      schema: {
        tags,
        summary: 'How the run goes, as server-sent events',
        produces: ['text/event-stream'],
        response: responses({ 200: Type.String() }),
      },
    },
    async (_, reply) => {
      const { runner } = open();
      await follow(reply, runner);
      return reply;
    },
  );
}

/** It was there when the folder was looked at. */
function gone(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT' || error.code === 'ERR_IMAGE_NOT_FOUND') throw notFound('The picture is not in the folder any more.');
  throw error;
}

const NEVER = new AbortController().signal;

/** Until the client leaves. */
async function follow(reply: FastifyReply, runner: FolderRunner): Promise<void> {
  using stream = EventStream.open(reply);
  const tell = (run: FolderRun): void => stream.send(run, 'run');
  runner.events.on('run', tell);
  const left = new Promise<void>((resolve) => reply.raw.once('close', resolve));
  tell(await runner.shown());
  if (!reply.raw.destroyed) await left;
  runner.events.off('run', tell);
}

async function shownOf({
  id,
  path,
  file,
  caption,
  kept,
  group,
  similarity,
  ...entry
}: Shown & { similarity?: number }): Promise<FolderPicture> {
  const { size: bytes } = await stat(file).catch(() => ({ size: 0 }));
  const { width, height, error } = kept ?? {};
  return {
    id,
    path,
    bytes,
    caption,
    texts: textsOf({ id, path, file, kept, group, ...entry }) as Record<string, string>,
    ...(width !== undefined && height !== undefined && { width, height }),
    ...(error && { error: { code: error.code, message: error.message } }),
    ...(group !== undefined && { group }),
    ...(similarity !== undefined && { similarity }),
  };
}
