/** `POST /v1/chat/completions`: a picture in, its prompt out. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { badRequest } from '../../answers/refusal';
import { orNull } from '../../contract/common';
import type { Service } from '../../service';
import { describePicture } from '../describe-picture';
import { registerDialect, routeSchema } from '../dialect';
import { chatModel } from './chat-model';
import { streamChat, usageOf } from './chat-stream';
import { OPENAI } from './errors';
import { Messages, partsOf } from './messages';

const Body = Type.Object(
  {
    model: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'A CLIP model, with #fast and the like for a mode; or a caption model.' }),
    ),
    messages: Messages,
    n: Type.Optional(orNull(Type.Integer({ minimum: 1, maximum: 1 }))),
    stream: Type.Optional(orNull(Type.Boolean())),
    stream_options: Type.Optional(orNull(Type.Object({ include_usage: Type.Optional(orNull(Type.Boolean())) }))),
  },
  { title: 'ChatBody' },
);

const Answer = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal('chat.completion'),
    created: Type.Integer(),
    model: Type.String(),
    choices: Type.Array(
      Type.Object({
        index: Type.Integer(),
        message: Type.Object({ role: Type.Literal('assistant'), content: Type.String(), refusal: Type.Null() }),
        logprobs: Type.Null(),
        finish_reason: Type.Literal('stop'),
      }),
    ),
    usage: Type.Object({ prompt_tokens: Type.Integer(), completion_tokens: Type.Integer(), total_tokens: Type.Integer() }),
  },
  { title: 'ChatCompletion' },
);

export function chatRoutes(app: FastifyInstance, service: Service): void {
  registerDialect(app, OPENAI, (routes) => {
    routes.post<{ Body: Static<typeof Body> }>(
      '/v1/chat/completions',
      {
        schema: routeSchema(OPENAI, {
          summary: "A picture's prompt, as an answer in a chat",
          description:
            'The last picture is described. The mode is what a text names (fast), else what stands behind the # of the model, else best. With stream, the terms come as the chain finds them.',
          body: Body,
          answer: {
            description: 'With stream, chunks as events, the last of them [DONE].',
            content: { 'application/json': { schema: Answer }, 'text/event-stream': { schema: Type.String() } },
          },
        }),
      },
      async (request, reply) => {
        service.requireReady();
        const { model, messages, stream, stream_options: options } = request.body;
        const { texts, images } = partsOf(messages);
        const wish = chatModel(service, model, texts);
        const image = images.at(-1);
        if (!image) throw badRequest('There is no picture in the messages.', 'Send one as a part of type image_url.');
        const head = { id: `chatcmpl-${request.id}`, created: Math.floor(Date.now() / 1000), model: model ?? wish.clip };
        if (stream) {
          const withUsage = options?.include_usage ?? false;
          return streamChat(service, request, reply, { ...wish, image, head, withUsage });
        }
        using caller = service.caller(request, reply);
        const { mode, ...models } = wish;
        const { descriptions } = await describePicture(service, request, caller, { ...models, image, modes: [mode] });
        const { prompt, tokens } = descriptions[0] as (typeof descriptions)[number];
        return {
          ...head,
          object: 'chat.completion' as const,
          choices: [
            {
              index: 0,
              message: { role: 'assistant' as const, content: prompt, refusal: null },
              logprobs: null,
              finish_reason: 'stop' as const,
            },
          ],
          usage: usageOf(tokens),
        };
      },
    );
  });
}
