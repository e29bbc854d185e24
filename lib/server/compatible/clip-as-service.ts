/** clip-as-service: `POST /post`, which encodes and ranks documents. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { probabilityOf } from '../../index';
import { badRequest, notFound } from '../answers/refusal';
import { LONGEST_TEXT, MOST_LABELS, orNull } from '../contract/common';
import type { Service } from '../service';
import type { Caller } from '../work/caller';
import { type Dialect, registerDialect, routeSchema, said } from './dialect';
import { jsonList, jsonRow, jsonWith, sendJson } from './json-pieces';

const DIALECT: Dialect = {
  system: 'clip-as-service',
  error: Type.Object(
    { header: Type.Object({ requestId: Type.String(), status: Type.Object({ code: Type.String(), description: Type.String() }) }) },
    { title: 'ClipAsServiceError' },
  ),
  errorOf: (refusal, request) => ({ header: { requestId: request.id, status: { code: 'ERROR', description: said(refusal) } } }),
};

const Field = Type.Optional(orNull(Type.String()));
const Content = {
  id: Field,
  text: Field,
  blob: Type.Optional(orNull(Type.String({ description: "A picture's Base64." }))),
  uri: Type.Optional(orNull(Type.String({ description: 'A data: URL, or an http(s) URL where the server allows them.' }))),
};
const Match = Type.Object(Content);
const Document = Type.Object({ ...Content, matches: Type.Optional(orNull(Type.Array(Match, { maxItems: MOST_LABELS }))) });
type Match = Static<typeof Match>;
type Document = Static<typeof Document>;

/** As many as a request of a client's has at the most, and some more. */
const MOST_DOCUMENTS = 1000;
const Endpoint = Type.Optional(orNull(Type.String({ maxLength: 200, description: '/ and /encode, or /rank; a model may follow.' })));

const Body = Type.Object(
  {
    data: Type.Array(Document, { minItems: 1, maxItems: MOST_DOCUMENTS }),
    execEndpoint: Endpoint,
    header: Type.Optional(orNull(Type.Object({ exec_endpoint: Endpoint, request_id: Field }))),
  },
  { title: 'ClipAsServiceBody' },
);

const Score = Type.Object({ value: Type.Number(), op_name: Type.String() });
const Answer = Type.Object(
  {
    header: Type.Object({ requestId: Type.String(), status: Type.Null(), execEndpoint: Type.String(), targetExecutor: Type.String() }),
    parameters: Type.Object({}),
    routes: Type.Array(Type.Object({})),
    data: Type.Array(
      Type.Object({
        id: Field,
        text: Field,
        embedding: Type.Optional(Type.Array(Type.Number())),
        matches: Type.Optional(
          Type.Array(
            Type.Object({
              id: Field,
              text: Field,
              scores: Type.Object({ clip_score: Score, clip_score_cosine: Score }),
            }),
          ),
        ),
      }),
    ),
  },
  { title: 'ClipAsServiceAnswer' },
);

export function clipAsServiceRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, DIALECT, (routes) => {
    routes.post<{ Body: Static<typeof Body> }>(
      '/post',
      { schema: routeSchema(DIALECT, { summary: 'Encode documents, or rank their matches', body: Body, answer: Answer }) },
      async (request, reply) => {
        service.requireReady();
        using caller = service.caller(request, reply);
        const { data, execEndpoint, header } = request.body;
        const endpoint = execEndpoint ?? header?.exec_endpoint ?? '/';
        const [, work, model] = /^\/?(encode|rank)?(?:\/(.+))?$/.exec(endpoint) ?? [];
        if (!/^\/?(encode|rank)?(\/|$)/.test(endpoint)) throw notFound(`There is no endpoint ${endpoint}.`, 'Ask for /, /encode or /rank.');
        const clip = service.clip(model);
        const documents =
          work === 'rank' ? await rank(service, request, caller, data, clip) : await encode(service, request, caller, data, clip);
        const head = {
          header: { requestId: header?.request_id ?? request.id, status: null, execEndpoint: endpoint, targetExecutor: '' },
          parameters: {},
          routes: [],
        };
        return sendJson(
          reply,
          jsonWith(
            head,
            'data',
            jsonList(documents, (each) => each),
          ),
        );
      },
    );
  });
}

async function encode(service: Service, request: FastifyRequest, caller: Caller, documents: readonly Document[], clip: string) {
  const rows = await rowsOf(service, request, caller, documents, clip);
  return documents.map((document, i) => jsonWith(named(document), 'embedding', rowPieces(rows[i] as Float32Array)));
}

function* rowPieces(row: Float32Array): Generator<string> {
  yield jsonRow(row);
}

async function rank(service: Service, request: FastifyRequest, caller: Caller, documents: readonly Document[], clip: string) {
  const answers: Iterable<string>[] = [];
  for (const document of documents) {
    const matches = document.matches ?? [];
    if (matches.length === 0) throw badRequest('A document to be ranked has no matches.');
    const [query, ...rows] = await rowsOf(service, request, caller, [document, ...matches], clip);
    const dim = query?.length ?? 0;
    const one = { rows: [query as Float32Array], dim };
    const { similarities, logits } = await service.parts.embedding.similarities(caller, one, { rows, dim }, clip);
    const probability = probabilityOf(similarities, logits);
    const scored = matches.map((match, i) => {
      const cosine = similarities[i] as number;
      const scores = {
        clip_score: { value: probability(cosine), op_name: logits.bias === null ? 'softmax' : 'sigmoid' },
        clip_score_cosine: { value: cosine, op_name: 'cosine' },
      };
      return { ...named(match), scores };
    });
    scored.sort((a, b) => b.scores.clip_score_cosine.value - a.scores.clip_score_cosine.value);
    const pieces = jsonList(scored, (each) => JSON.stringify(each));
    answers.push(jsonWith(named(document), 'matches', pieces));
  }
  return answers;
}

/** A row of features each: of its text, or of its picture. */
async function rowsOf(service: Service, request: FastifyRequest, caller: Caller, documents: readonly Match[], clip: string) {
  const { embedding } = service.parts;
  const texts: string[] = [];
  const pictures = [];
  const order: ('text' | 'picture')[] = [];
  for (const { text, blob, uri } of documents) {
    const picture = blob || uri;
    if (picture) pictures.push(await service.intake.picture(request, picture, caller.signal));
    else if (typeof text === 'string') texts.push(checked(text));
    else throw badRequest('A document has neither text nor blob nor uri.');
    order.push(picture ? 'picture' : 'text');
  }
  const next = {
    picture: (await embedding.pictures(caller, pictures, clip)).rows.values(),
    text: (await embedding.textRows(caller, texts, clip)).rows.values(),
  };
  return order.map((kind) => next[kind].next().value as Float32Array);
}

function checked(text: string): string {
  if (text.length <= LONGEST_TEXT && !text.includes('\u0000')) return text;
  throw badRequest(`A text has more than ${LONGEST_TEXT} characters, or NUL in it.`);
}

/** What a document is known by; pictures are not sent back. */
function named({ id, text }: Match): { id?: string; text?: string } {
  return { ...(typeof id === 'string' && { id }), ...(typeof text === 'string' && text !== '' && { text }) };
}
