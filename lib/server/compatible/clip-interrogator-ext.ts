/** clip-interrogator-ext, an extension of A1111: `/interrogator/{models,prompt,analyze}`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import type { TermTable } from '../../index';
import { ClipModelName, ModeName, orNull } from '../contract/common';
import type { Service } from '../service';
import { describePicture, promptOf } from './describe-picture';
import { type Dialect, registerDialect, requireImage, routeSchema, said } from './dialect';
import { jsonObject, sendJson } from './json-pieces';

const DIALECT: Dialect = {
  system: 'clip-interrogator-ext',
  error: Type.Object({ detail: Type.String() }, { title: 'ClipInterrogatorExtError' }),
  errorOf: (refusal) => ({ detail: said(refusal) }),
};

const Image = Type.Optional(orNull(Type.String({ description: 'Base64, or a data: URL.' })));
const AnalyzeBody = Type.Object({ image: Image, clip_model_name: Type.Optional(ClipModelName) }, { title: 'AnalyzeBody' });
const PromptBody = Type.Object(
  { ...AnalyzeBody.properties, mode: Type.Optional({ ...ModeName, description: 'Default fast.' }) },
  { title: 'PromptBody' },
);
const PromptAnswer = Type.Object({ prompt: Type.String() }, { title: 'PromptAnswer' });
const Labels = Type.Record(Type.String(), Type.Number(), { description: 'The five best, in falling similarity.' });
const AnalyzeAnswer = Type.Object(
  { medium: Labels, artist: Labels, movement: Labels, trending: Labels, flavor: Labels },
  { title: 'AnalyzeAnswer' },
);

/** Its names of the tables, in its order. */
export const TABLES: readonly (readonly [keyof Static<typeof AnalyzeAnswer>, TermTable])[] = [
  ['medium', 'mediums'],
  ['artist', 'artists'],
  ['movement', 'movements'],
  ['trending', 'trendings'],
  ['flavor', 'flavors'],
];
const TERMS = 5;

export function clipInterrogatorExtRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, DIALECT, (routes) => {
    routes.get(
      '/interrogator/models',
      { schema: routeSchema(DIALECT, { summary: 'CLIP models', answer: Type.Array(Type.String()) }) },
      async () => clipNames(service),
    );

    routes.post<{ Body: Static<typeof PromptBody> }>(
      '/interrogator/prompt',
      { schema: routeSchema(DIALECT, { summary: "A picture's prompt", body: PromptBody, answer: PromptAnswer }) },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { image, mode = 'fast', clip_model_name: clip } = request.body;
        return { prompt: await promptOf(service, request, caller, { image: requireImage(image), mode, clip }) };
      },
    );

    routes.post<{ Body: Static<typeof AnalyzeBody> }>(
      '/interrogator/analyze',
      { schema: routeSchema(DIALECT, { summary: 'The best terms of each table', body: AnalyzeBody, answer: AnalyzeAnswer }) },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { image, clip_model_name: clip } = request.body;
        const wish = { image: requireImage(image), clip, modes: [], termCount: TERMS };
        const { terms } = await describePicture(service, request, caller, wish);
        const tables = TABLES.map(([name, table]) => {
          const ranked = (terms[table] ?? []).map(({ label, similarity }) => [label, similarity] as const);
          return `"${name}":${jsonObject(ranked)}`;
        });
        return sendJson(reply, [`{${tables.join(',')}}`]);
      },
    );
  });
}

/** Those that a request may name: no request fetches one that is not on this machine. */
export function clipNames({ parts }: Service): string[] {
  const usable = parts.names.all.filter(({ kind, isInstalled }) => kind === 'clip' && isInstalled);
  return usable.map(({ name }) => name);
}
