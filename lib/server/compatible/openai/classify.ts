/** `POST /v1/classify`: Jina's, labels by how well they fit pictures or texts. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { badRequest } from '../../answers/refusal';
import { ClipModelName, Label, MOST_LABELS } from '../../contract/common';
import type { Service } from '../../service';
import { registerDialect, routeSchema } from '../dialect';
import { jsonList, jsonWith, sendJson } from '../json-pieces';
import { OPENAI } from './errors';
import { embedInputs, Items, inputsOf } from './inputs';

const Body = Type.Object(
  {
    model: Type.Optional(ClipModelName),
    input: Items,
    labels: Type.Array(Label, { minItems: 1, maxItems: MOST_LABELS }),
  },
  { title: 'ClassifyBody' },
);

/** Of one answer, which has them all. */
const MOST_SCORES = 250_000;

const Prediction = Type.Object({ label: Type.String(), score: Type.Number() });
const Answer = Type.Object(
  {
    usage: Type.Object({ total_tokens: Type.Integer() }),
    data: Type.Array(
      Type.Object({
        object: Type.Literal('classification'),
        index: Type.Integer(),
        prediction: Type.String(),
        score: Type.Number({ description: '0 … 1, as the model was trained to give it.' }),
        predictions: Type.Array(Prediction, { description: 'Every label, in falling score.' }),
      }),
    ),
  },
  { title: 'Classification' },
);

export function classifyRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, OPENAI, (routes) => {
    routes.post<{ Body: Static<typeof Body> }>(
      '/v1/classify',
      { schema: routeSchema(OPENAI, { summary: 'Labels by how well they fit pictures or texts', body: Body, answer: Answer }) },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { model, input, labels } = request.body;
        const inputs = inputsOf(input, 'text');
        if (inputs.length * labels.length > MOST_SCORES) {
          throw badRequest(`${inputs.length} inputs × ${labels.length} labels are more than ${MOST_SCORES}.`, 'Send fewer at once.');
        }
        const clip = service.clip(model);
        const { tokens, ...rows } = await embedInputs(service, request, caller, inputs, clip);
        const wish = { clip, topCount: labels.length, scores: 'probability', reverse: false } as const;
        const ranked = await service.parts.ranking.labels(caller, rows, labels, undefined, wish);
        const read = await service.parts.embedding.tokens(caller, labels, clip);
        const total_tokens = read.reduce((sum, each) => sum + each.read, tokens);
        const data = jsonList(ranked, (list, index) => {
          const [first] = list;
          const head = { object: 'classification', index, prediction: first?.label, score: first?.probability };
          const predictions = jsonList(list, ({ label, probability: score }) => JSON.stringify({ label, score }));
          return jsonWith(head, 'predictions', predictions);
        });
        return sendJson(reply, jsonWith({ usage: { total_tokens } }, 'data', data));
      },
    );
  });
}
