/** A1111 (stable-diffusion-webui): `POST /sdapi/v1/interrogate`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { Refusal } from '../answers/refusal';
import { orNull } from '../contract/common';
import type { Service } from '../service';
import { promptOf } from './describe-picture';
import { type Dialect, registerDialect, requireImage, routeSchema, said } from './dialect';

const DIALECT: Dialect = {
  system: 'AUTOMATIC1111',
  error: Type.Object(
    { error: Type.String(), detail: Type.String(), body: Type.String(), errors: Type.String() },
    { title: 'Automatic1111Error' },
  ),
  errorOf: (refusal) => ({ error: 'HTTPException', detail: said(refusal), body: '', errors: refusal.code }),
};

const Body = Type.Object(
  {
    image: Type.Optional(orNull(Type.String({ description: 'Base64, a data: URL, or an http(s) URL where the server allows them.' }))),
    model: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'clip, the default: the model that the server was started with. Or a name.',
      }),
    ),
  },
  { title: 'Automatic1111Body' },
);
const Answer = Type.Object({ caption: Type.String() }, { title: 'Automatic1111Answer' });

export function automatic1111Routes(app: FastifyInstance, service: Service): void {
  registerDialect(app, DIALECT, (routes) => {
    routes.addHook('onSend', async (_, reply) => {
      reply.header('x-process-time', (reply.elapsedTime / 1000).toFixed(4));
    });

    routes.post<{ Body: Static<typeof Body> }>(
      '/sdapi/v1/interrogate',
      {
        schema: routeSchema(DIALECT, {
          summary: "A picture's caption and the terms that suit it",
          description: 'Mode classic: a caption with the best terms of each list, which is what A1111 makes.',
          body: Body,
          answer: Answer,
        }),
      },
      async (request, reply) => {
        using caller = service.caller(request, reply);
        const { image: given, model = 'clip' } = request.body;
        const image = requireImage(given);
        if (model === 'deepdanbooru') {
          throw new Refusal(404, 'ERR_MODEL_UNKNOWN', 'Model not found: this server has no DeepDanbooru.', { hint: 'Ask for clip.' });
        }
        const clip = model === 'clip' ? undefined : model;
        return { caption: await promptOf(service, request, caller, { image, mode: 'classic', clip }) };
      },
    );
  });
}
