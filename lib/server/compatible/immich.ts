/** Immich's machine learning: `POST /predict` for CLIP, `GET /ping`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { badRequest, Refusal } from '../answers/refusal';
import { Text } from '../contract/common';
import type { Service } from '../service';
import { type Dialect, registerDialect, routeSchema, said } from './dialect';
import { TEI } from './text-embeddings-inference';

const IMMICH: Dialect = {
  system: 'Immich',
  error: Type.Object({ detail: Type.String() }, { title: 'ImmichError' }),
  errorOf: (refusal) => ({ detail: said(refusal) }),
};

/** text-embeddings-inference has a route of the same name, which takes JSON. */
const BOTH: Dialect = {
  ...IMMICH,
  error: Type.Union([IMMICH.error, TEI.error]),
  errorOf: (refusal, request) => (request.isMultipart() ? IMMICH : TEI).errorOf(refusal, request),
};

const Model = Type.Optional(Type.Object({ modelName: Type.String({ minLength: 1, maxLength: 200 }) }));
const Body = Type.Object(
  {
    entries: Type.Object({ clip: Type.Optional(Type.Object({ visual: Model, textual: Model })) }),
    image: Type.Optional(Type.String({ description: 'The file of a picture.' })),
    text: Type.Optional(Text),
  },
  { title: 'ImmichBody' },
);

const Answer = Type.Object(
  {
    clip: Type.String({ description: 'The features, as a JSON text.' }),
    imageHeight: Type.Optional(Type.Integer()),
    imageWidth: Type.Optional(Type.Integer()),
  },
  { title: 'ImmichAnswer' },
);

export function immichRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, BOTH, (routes) => {
    routes.post<{ Body: Static<typeof Body> }>(
      '/predict',
      {
        config: { pictureField: 'image' },
        schema: routeSchema(BOTH, { summary: 'CLIP features of a picture or a text', body: Body, answer: Answer }),
        preValidation: async (request) => {
          if (request.isMultipart()) return;
          throw new Refusal(424, 'ERR_MODEL_UNKNOWN', 'The models of this server are no classifiers.', {
            hint: "Immich's requests are multipart/form-data; labels are ranked by /v1/rank.",
          });
        },
      },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { entries, image, text } = request.body;
        const { visual, textual } = entries.clip ?? {};
        if ((visual === undefined) === (textual === undefined)) {
          throw new Refusal(422, 'ERR_BODY_INVALID', 'Invalid request format.', { hint: 'entries is of clip: visual or textual.' });
        }
        const { embedding } = service.parts;
        const clip = service.clip((visual ?? textual)?.modelName);
        if (textual) {
          if (text === undefined) throw badRequest('Either image or text must be provided.');
          const { rows } = await embedding.textRows(caller, [text], clip);
          return { clip: listOf(rows) };
        }
        if (!image) throw badRequest('Either image or text must be provided.');
        const picture = await service.intake.picture(request, image, caller.signal);
        const { rows } = await embedding.pictures(caller, [picture], clip);
        const size = service.cache.size(picture.id);
        return { clip: listOf(rows), ...(size && { imageHeight: size.height, imageWidth: size.width }) };
      },
    );

    routes.get(
      '/ping',
      {
        config: { isOpen: true },
        schema: {
          tags: [IMMICH.system],
          summary: 'The server runs',
          response: { 200: { description: 'pong', content: { 'text/plain': { schema: Type.String() } } } },
        },
      },
      async (_, reply) => reply.type('text/plain').send('pong'),
    );
  });
}

function listOf([row]: readonly Float32Array[]): string {
  return JSON.stringify(Array.from(row ?? []));
}
