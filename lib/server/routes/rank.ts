/** `POST /v1/rank`, `/v1/similarity` and `/v1/features`. */
import type { FastifyInstance } from 'fastify';
import { base64Of } from '../answers/base64-of';
import { badRequest } from '../answers/refusal';
import { FeaturesAnswer, FeaturesBody, RankAnswer, RankBody, SimilarityAnswer, SimilarityBody } from '../contract/rank';
import type { Service } from '../service';
import { pictureShown } from '../work/shown';
import { answerLongCall, JobAccepted, responses, secondsOf } from './answer';

const DEFAULT_COUNT = 10;
/** Labels in one answer, of all pictures. */
const MOST_RANKED = 100_000;
/** Numbers in one answer, as text. Writing so many takes 50 ms. */
const MOST_NUMBERS = 300_000;
/** As Base64 they take a tenth of the time. */
const MOST_PACKED = 3_000_000;

export function rankRoutes(app: FastifyInstance, service: Service): void {
  app.post<{ Body: RankBody }>(
    '/rank',
    {
      config: { pictureField: 'image' },
      schema: {
        tags: ['pictures'],
        summary: 'Labels by how well they fit pictures',
        body: RankBody,
        response: responses({ 200: RankAnswer, 202: JobAccepted }, 422),
      },
    },
    async (request, reply) => {
      service.requireReady();
      const { image, labels, table, template, clipModelName, threshold } = request.body;
      const { topCount = DEFAULT_COUNT, scores = 'cosine', reverse = false } = request.body;
      if ((labels === undefined) === (table === undefined)) throw badRequest('Give labels, or the name of a table: one of the two.');
      if (table !== undefined && template !== undefined) throw badRequest('template is of labels; a table has its own.');
      const clip = service.clip(clipModelName);
      return answerLongCall(service, request, reply, {
        kind: 'rank',
        work: async (caller) => {
          const { embedding, ranking } = service.parts;
          if (table !== undefined) await service.tables.find(table);
          const pictures = await service.intake.pictures(request, image, caller.signal);
          const count = pictures.length * Math.min(topCount, labels?.length ?? topCount);
          if (count > MOST_RANKED) {
            throw badRequest(`The answer would have ${count} labels; ${MOST_RANKED} are the most.`, 'Ask for fewer by topCount.');
          }
          const rows = await embedding.pictures(caller, pictures, clip);
          const wish = { clip, topCount, scores, reverse, threshold };
          const ranked = labels
            ? await ranking.labels(caller, rows, labels, template, wish)
            : await ranking.table(caller, rows, table as string, wish);
          const results = pictures.map(({ id }, i) => ({ picture: pictureShown(id, service.cache.size(id)), ranked: ranked[i] }));
          return { results, clipModelName: clip, seconds: secondsOf(caller) };
        },
      });
    },
  );

  app.post<{ Body: SimilarityBody }>(
    '/similarity',
    {
      config: { pictureField: 'image' },
      schema: {
        tags: ['pictures'],
        summary: 'How similar each picture is to each text',
        body: SimilarityBody,
        response: responses({ 200: SimilarityAnswer }, 422),
      },
    },
    async (request, reply) => {
      using caller = service.caller(request, reply);
      const { image, text, clipModelName } = request.body;
      const clip = service.clip(clipModelName);
      const texts = typeof text === 'string' ? [text] : text;
      const { embedding } = service.parts;
      const pictures = await service.intake.pictures(request, image, caller.signal);
      if (pictures.length * texts.length > MOST_NUMBERS) {
        throw badRequest(`${pictures.length} pictures × ${texts.length} texts are more than ${MOST_NUMBERS}.`);
      }
      const rows = await embedding.pictures(caller, pictures, clip);
      const columns = await embedding.textRows(caller, texts, clip);
      const { similarities } = await embedding.similarities(caller, rows, columns, clip);
      return {
        similarities: pictures.map((_, i) => Array.from(similarities.subarray(i * texts.length, (i + 1) * texts.length))),
        pictures: pictures.map(({ id }) => pictureShown(id, service.cache.size(id))),
        clipModelName: clip,
        seconds: secondsOf(caller),
      };
    },
  );

  app.post<{ Body: FeaturesBody }>(
    '/features',
    {
      config: { pictureField: 'image' },
      schema: {
        tags: ['pictures'],
        summary: 'CLIP features of pictures and texts',
        body: FeaturesBody,
        response: responses({ 200: FeaturesAnswer }, 422),
      },
    },
    async (request, reply) => {
      using caller = service.caller(request, reply);
      const { image, text, encoding = 'float', clipModelName } = request.body;
      if (image === undefined && text === undefined) throw badRequest('Give image, text, or both.');
      const clip = service.clip(clipModelName);
      const { embedding } = service.parts;
      const pictures = image === undefined ? [] : await service.intake.pictures(request, image, caller.signal);
      const texts = text === undefined ? [] : typeof text === 'string' ? [text] : text;
      const rows = [...(await embedding.pictures(caller, pictures, clip)).rows, ...(await embedding.textRows(caller, texts, clip)).rows];
      const dim = rows[0]?.length ?? 0;
      const most = encoding === 'base64' ? MOST_PACKED : MOST_NUMBERS;
      if (rows.length * dim > most) {
        throw badRequest(`${rows.length} rows of ${dim} numbers are more than ${most}.`, 'Send fewer at once, or ask for encoding base64.');
      }
      return {
        features: rows.map((row) => (encoding === 'base64' ? base64Of(row) : Array.from(row))),
        dim,
        pictures: pictures.map(({ id }) => pictureShown(id, service.cache.size(id))),
        clipModelName: clip,
        seconds: secondsOf(caller),
      };
    },
  );
}
