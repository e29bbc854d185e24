/** `POST /v1/embeddings`: OpenAI's, with the ways in which Infinity, vLLM and Jina add pictures to it. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { badRequest } from '../../answers/refusal';
import { ClipModelName, oneOf, orNull } from '../../contract/common';
import type { Service } from '../../service';
import { registerDialect, routeSchema } from '../dialect';
import { jsonList, jsonRow, jsonWith, sendJson } from '../json-pieces';
import { OPENAI } from './errors';
import { embedInputs, Items, inputOfMessages, inputsOf } from './inputs';
import { Messages } from './messages';

const Encoding = Type.Optional(orNull(oneOf(['float', 'base64'], 'base64: little-endian float32.')));

const Body = Type.Object(
  {
    model: Type.Optional(ClipModelName),
    input: Type.Optional(Items),
    messages: Type.Optional({ ...Messages, description: "vLLM's: one picture or one text." }),
    modality: Type.Optional(oneOf(['text', 'image'], "Infinity's: what the texts of input are. Default text.")),
    encoding_format: Encoding,
    embedding_type: Encoding,
    dimensions: Type.Optional(orNull(Type.Integer({ minimum: 1, description: "The model's own, if any." }))),
    normalized: Type.Optional(orNull(Type.Boolean({ description: "Jina's: these features always are." }))),
    user: Type.Optional(orNull(Type.String())),
  },
  { title: 'EmbeddingsBody' },
);

const Answer = Type.Object(
  {
    object: Type.Literal('list'),
    data: Type.Array(
      Type.Object({
        object: Type.Literal('embedding'),
        index: Type.Integer(),
        embedding: Type.Union([Type.String(), Type.Array(Type.Number())]),
      }),
    ),
    model: Type.String(),
    usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
  },
  { title: 'Embeddings' },
);

export function embeddingRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, OPENAI, (routes) => {
    routes.post<{ Body: Static<typeof Body> }>(
      '/v1/embeddings',
      { schema: routeSchema(OPENAI, { summary: 'Features of texts and pictures', body: Body, answer: Answer }) },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { model, input, messages, modality = 'text', encoding_format, embedding_type, dimensions, normalized } = request.body;
        if ((input === undefined) === (messages === undefined)) throw badRequest('Give input or messages: one of the two.');
        if (normalized === false) throw badRequest('These features are of unit length.', 'Leave normalized out.');
        const inputs = messages ? [inputOfMessages(messages)] : inputsOf(input as Items, modality);
        const clip = service.clip(model);
        const { rows, dim, tokens } = await embedInputs(service, request, caller, inputs, clip);
        if (typeof dimensions === 'number' && dimensions !== dim) {
          throw badRequest(`${clip} has ${dim} dimensions, not ${dimensions}.`, 'Leave dimensions out.');
        }
        const encoding = encoding_format ?? embedding_type ?? 'float';
        const head = { object: 'list', model: clip, usage: { prompt_tokens: tokens, total_tokens: tokens } };
        const data = jsonList(rows, (row, index) => jsonWith({ object: 'embedding', index }, 'embedding', jsonRow(row, encoding)));
        return sendJson(reply, jsonWith(head, 'data', data));
      },
    );
  });
}
