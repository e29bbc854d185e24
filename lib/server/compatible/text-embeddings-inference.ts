/** text-embeddings-inference: `/embed`, `/rerank`, `/similarity`, `/info`, `/health`. */
import { type Static, type TSchema, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { badRequest, Refusal } from '../answers/refusal';
import { MOST_LABELS, orNull, Text } from '../contract/common';
import type { Service } from '../service';
import type { Caller } from '../work/caller';
import { type Dialect, registerDialect, routeSchema, said } from './dialect';
import { jsonList, jsonRow, sendJson } from './json-pieces';

const { version } = require('../../../package.json') as { version: string };

export const TEI: Dialect = {
  system: 'text-embeddings-inference',
  error: Type.Object({ error: Type.String(), error_type: Type.String() }, { title: 'TextEmbeddingsInferenceError' }),
  errorOf: (refusal) => ({ error: said(refusal), error_type: TYPES[refusal.status] ?? (refusal.status >= 500 ? 'backend' : 'validation') }),
  // What is not as it should be is 422 there; 400 is an empty list.
  statusOf: ({ status, code }) => (status === 400 && code !== EMPTY ? 422 : status),
};

const TYPES: Record<number, string> = { 424: 'backend', 429: 'overloaded', 503: 'unhealthy' };
const EMPTY = 'ERR_INVALID_ARGUMENT';

const Flag = Type.Optional(orNull(Type.Boolean()));
const Texts = Type.Union([Text, Type.Array(Text, { maxItems: MOST_LABELS })]);

const EmbedBody = Type.Object(
  {
    inputs: Texts,
    normalize: Type.Optional(orNull(Type.Boolean({ description: 'These features always are.' }))),
    truncate: Type.Optional(
      orNull(Type.Boolean({ description: 'Cut what the model does not read, instead of refusing it. Default false.' })),
    ),
    dimensions: Type.Optional(orNull(Type.Integer({ minimum: 1, description: "The model's own, if any." }))),
  },
  { title: 'EmbedBody' },
);

const RerankBody = Type.Object(
  {
    query: Text,
    texts: Type.Array(Text, { maxItems: MOST_LABELS }),
    raw_scores: Type.Optional(orNull(Type.Boolean({ description: 'The cosine similarity c itself. Default: (1 + c) / 2.' }))),
    return_text: Flag,
    truncate: Flag,
  },
  { title: 'RerankBody' },
);

const SimilarityBody = Type.Object(
  {
    inputs: Type.Object({ source_sentence: Text, sentences: Type.Array(Text, { maxItems: MOST_LABELS }) }),
    parameters: Type.Optional(orNull(Type.Object({ truncate: Flag }))),
  },
  { title: 'SentenceSimilarityBody' },
);

const Info = Type.Object(
  {
    model_id: Type.String(),
    model_sha: Type.Null(),
    model_dtype: Type.String(),
    model_type: Type.Object({ embedding: Type.Object({ pooling: Type.String() }) }),
    max_concurrent_requests: Type.Integer(),
    max_input_length: Type.Integer(),
    max_batch_tokens: Type.Integer(),
    max_client_batch_size: Type.Integer(),
    auto_truncate: Type.Boolean(),
    tokenization_workers: Type.Integer(),
    version: Type.String(),
  },
  { title: 'TextEmbeddingsInferenceInfo' },
);

export function textEmbeddingsInferenceRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, TEI, (routes) => {
    const post = <S extends TSchema>(
      url: string,
      words: { summary: string; body: S; answer: unknown },
      handle: (caller: Caller, body: Static<S>, reply: FastifyReply, request: FastifyRequest) => Promise<unknown>,
    ): void => {
      routes.post<{ Body: Static<S> }>(url, { schema: routeSchema(TEI, words) }, async (request, reply) => {
        using caller = service.caller(request, reply);
        return await handle(caller, request.body as Static<S>, reply, request);
      });
    };

    post(
      '/embed',
      { summary: 'Features of texts', body: EmbedBody, answer: Type.Array(Type.Array(Type.Number())) },
      async (caller, { inputs, normalize, truncate, dimensions }, reply) => {
        if (normalize === false) throw badRequest('These features are of unit length: normalize: false cannot be served.');
        const texts = typeof inputs === 'string' ? [inputs] : inputs;
        const { rows, dim } = await embed(service, caller, reply, texts, truncate ?? false);
        if (typeof dimensions === 'number' && dimensions !== dim) throw badRequest(`The model has ${dim} dimensions, not ${dimensions}.`);
        return sendJson(
          reply,
          jsonList(rows, (row) => jsonRow(row)),
        );
      },
    );

    post(
      '/rerank',
      {
        summary: 'Texts by how similar they are to one',
        body: RerankBody,
        answer: Type.Array(Type.Object({ index: Type.Integer(), score: Type.Number(), text: Type.Optional(Type.String()) })),
      },
      async (caller, { query, texts, raw_scores, return_text, truncate }, reply) => {
        const cosines = await cosinesOf(service, caller, reply, { query, texts, truncate: truncate ?? false });
        const scored = texts.map((text, index) => {
          const cosine = cosines[index] as number;
          return { index, score: raw_scores ? cosine : (1 + cosine) / 2, ...(return_text && { text }) };
        });
        scored.sort((a, b) => b.score - a.score || a.index - b.index);
        return sendJson(
          reply,
          jsonList(scored, (each) => JSON.stringify(each)),
        );
      },
    );

    post(
      '/similarity',
      { summary: 'How similar texts are to one', body: SimilarityBody, answer: Type.Array(Type.Number()) },
      async (caller, { inputs: { source_sentence: query, sentences: texts }, parameters }, reply) =>
        Array.from(await cosinesOf(service, caller, reply, { query, texts, truncate: parameters?.truncate ?? false })),
    );

    routes.get('/info', { schema: routeSchema(TEI, { summary: 'The model', answer: Info }) }, async () => {
      service.requireReady();
      const { contextTokens, shown } = service.parts.devices;
      return {
        model_id: service.clip(),
        model_sha: null,
        model_dtype: shown[0]?.name.startsWith('cuda') ? 'float16' : 'float32',
        model_type: { embedding: { pooling: 'cls' } },
        max_concurrent_requests: service.settings.maxWaiting,
        max_input_length: contextTokens,
        max_batch_tokens: contextTokens * MOST_LABELS,
        max_client_batch_size: MOST_LABELS,
        auto_truncate: false,
        tokenization_workers: 1,
        version,
      };
    });

    routes.get(
      '/health',
      { config: { isOpen: true }, schema: routeSchema(TEI, { summary: 'Requests are served', answer: Type.Null() }) },
      async (_, reply) => {
        service.requireReady();
        return reply.send();
      },
    );
  });
}

/** Of unit length. Rejects with 400 for an empty list, and for texts that are longer than the model reads, unless they may be cut. */
async function embed(service: Service, caller: Caller, reply: FastifyReply, texts: readonly string[], truncate: boolean) {
  if (texts.length === 0) throw new Refusal(400, EMPTY, '`inputs` cannot be empty.');
  const clip = service.clip();
  const { embedding } = service.parts;
  const counts = await embedding.tokens(caller, texts, clip);
  const long = counts.find(({ all, read }) => all > read);
  if (long && !truncate) {
    throw badRequest(`A text has ${long.all} tokens; the model reads ${long.read}.`, 'Send shorter texts, or truncate: true.');
  }
  const embedded = await embedding.textRows(caller, texts, clip);
  tellTimes(reply, caller, {
    characters: texts.reduce((sum, { length }) => sum + length, 0),
    tokens: counts.reduce((sum, { read }) => sum + read, 0),
  });
  return { ...embedded, clip };
}

async function cosinesOf(
  service: Service,
  caller: Caller,
  reply: FastifyReply,
  { query, texts, truncate }: { query: string; texts: readonly string[]; truncate: boolean },
): Promise<Float32Array> {
  if (texts.length === 0) throw new Refusal(400, EMPTY, '`texts` cannot be empty.');
  const { rows, dim, clip } = await embed(service, caller, reply, [query, ...texts], truncate);
  const [first, ...others] = rows;
  const left = { rows: [first as Float32Array], dim };
  return (await service.parts.embedding.similarities(caller, left, { rows: others, dim }, clip)).similarities;
}

/** In milliseconds, under its names. */
function tellTimes(
  reply: FastifyReply,
  { times: { queue, tokenization, inference } }: Caller,
  { characters, tokens }: { characters: number; tokens: number },
) {
  const total = reply.elapsedTime / 1000;
  const spans = { compute: total, total, tokenization, queue, inference };
  for (const [name, seconds] of Object.entries(spans)) reply.header(`x-${name}-time`, String(Math.round(seconds * 1000)));
  reply.header('x-compute-characters', String(characters)).header('x-compute-tokens', String(tokens));
}
