/** SD.Next: `/sdapi/v1/openclip` and `/sdapi/v1/caption`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Mode } from '../../index';
import { badRequest, Refusal } from '../answers/refusal';
import { CaptionModelName, ClipModelName, ModeName, orNull } from '../contract/common';
import type { Service } from '../service';
import { clipNames, TABLES } from './clip-interrogator-ext';
import { describePicture } from './describe-picture';
import { type Dialect, registerDialect, requireImage, routeSchema, said } from './dialect';

const DIALECT: Dialect = {
  system: 'SD.Next',
  error: Type.Object(
    { error: Type.String(), code: Type.Integer(), detail: Type.String(), body: Type.String(), errors: Type.String() },
    { title: 'SdNextError' },
  ),
  errorOf: (refusal) => ({
    error: 'HTTPException',
    code: refusal.status,
    detail: said(refusal),
    body: '',
    errors: refusal.code,
  }),
};

const Count = (minimum: number, maximum: number) => Type.Optional(orNull(Type.Integer({ minimum, maximum })));
const Name = (schema: typeof ClipModelName) => Type.Optional(orNull(schema));

const OpenClipBody = Type.Object(
  {
    image: Type.Optional(orNull(Type.String({ description: 'Base64, or a data: URL.' }))),
    model: Name(ClipModelName),
    clip_model: Name(ClipModelName),
    blip_model: Name(CaptionModelName),
    mode: Type.Optional({ ...ModeName, description: 'Default best.' }),
    analyze: Type.Optional(orNull(Type.Boolean({ description: 'The best term of each table as well.' }))),
    max_length: Count(1, 512),
    chunk_size: Count(1, 1 << 20),
    min_flavors: Count(0, 1000),
    max_flavors: Count(0, 1000),
    flavor_count: Count(1, 1 << 20),
    num_beams: Count(1, 64),
  },
  { title: 'OpenClipBody' },
);
type OpenClipBody = Static<typeof OpenClipBody>;

const CaptionBody = Type.Object(
  {
    ...OpenClipBody.properties,
    backend: Type.Optional(Type.String({ maxLength: 100, description: 'openclip, the default; or analyze.' })),
  },
  { title: 'SdNextCaptionBody' },
);

const Term = orNull(Type.String());
const OpenClipAnswer = Type.Object(
  { caption: Term, medium: Term, artist: Term, movement: Term, trending: Term, flavor: Term },
  { title: 'OpenClipAnswer' },
);
const CaptionAnswer = Type.Object(
  {
    backend: Type.String(),
    ...OpenClipAnswer.properties,
    tags: Type.Null(),
    scores: Type.Null(),
    answer: Type.Null(),
    annotated_image: Type.Null(),
  },
  { title: 'SdNextCaptionAnswer' },
);

/** Backends of SD.Next that are other kinds of models. */
const OTHERS = ['tagger', 'vlm'];

export function sdNextRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, DIALECT, (routes) => {
    routes.get(
      '/sdapi/v1/openclip',
      { schema: routeSchema(DIALECT, { summary: 'CLIP models', answer: Type.Array(Type.String()) }) },
      async () => clipNames(service),
    );

    routes.post<{ Body: OpenClipBody }>(
      '/sdapi/v1/openclip',
      { schema: routeSchema(DIALECT, { summary: "A picture's prompt", body: OpenClipBody, answer: OpenClipAnswer }) },
      async (request, reply) => describe(service, request, reply, request.body, [request.body.mode ?? 'best']),
    );

    routes.post<{ Body: Static<typeof CaptionBody> }>(
      '/sdapi/v1/caption',
      { schema: routeSchema(DIALECT, { summary: "A picture's prompt, or its terms", body: CaptionBody, answer: CaptionAnswer }) },
      async (request, reply) => {
        const { backend = 'openclip', ...body } = request.body;
        if (OTHERS.includes(backend)) {
          throw new Refusal(404, 'ERR_MODEL_UNKNOWN', `This server has no models for the backend ${backend}.`, {
            hint: 'Ask for openclip or analyze.',
          });
        }
        if (backend !== 'openclip' && backend !== 'analyze') {
          throw badRequest(`There is no backend ${backend}.`, 'Ask for openclip or analyze.');
        }
        const answer =
          backend === 'openclip'
            ? await describe(service, request, reply, body, [body.mode ?? 'best'])
            : await describe(service, request, reply, { ...body, analyze: true }, body.mode ? [body.mode] : []);
        return { backend, ...answer, tags: null, scores: null, answer: null, annotated_image: null };
      },
    );
  });
}

async function describe(service: Service, request: FastifyRequest, reply: FastifyReply, body: OpenClipBody, modes: readonly Mode[]) {
  using caller = service.caller(request, reply);
  const { descriptions, terms } = await describePicture(service, request, caller, {
    image: requireImage(body.image),
    modes,
    clip: body.clip_model ?? body.model ?? undefined,
    captioner: body.blip_model ?? undefined,
    captionMaxLength: body.max_length ?? undefined,
    numBeams: body.num_beams ?? undefined,
    minFlavors: body.min_flavors ?? undefined,
    maxFlavors: body.max_flavors ?? undefined,
    chunkSize: body.chunk_size ?? undefined,
    flavorIntermediateCount: body.flavor_count ?? undefined,
    termCount: body.analyze ? 1 : 0,
  });
  const best = Object.fromEntries(TABLES.map(([name, table]) => [name, terms[table]?.[0]?.label ?? null]));
  return { caption: descriptions[0]?.prompt ?? null, ...best };
}
