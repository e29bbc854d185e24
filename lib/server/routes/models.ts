/** `/v1/models`: what there is, what is in memory, and what is to be. The list is OpenAI's, with more in it. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { pullModel } from '../../index';
import { notFound, Refusal } from '../answers/refusal';
import { Model, ModelBody, ModelList } from '../contract/models';
import { type KnownModel, SAMPLE } from '../models/names';
import type { Service } from '../service';
import { answerLongCall, JobAccepted, responses, sendJob } from './answer';

export function modelRoutes(app: FastifyInstance, service: Service): void {
  const tags = ['models'];
  app.get('/models', { schema: { tags, summary: 'All models', response: responses({ 200: ModelList }) } }, async () => {
    return { object: 'list' as const, data: service.parts.names.all.map((each) => shown(service, each)) };
  });

  app.get<{ Params: { '*': string } }>(
    '/models/*',
    {
      schema: {
        tags,
        summary: 'One model',
        params: Type.Object({ '*': Type.String({ description: 'Its name.' }) }),
        response: responses({ 200: Model }),
      },
    },
    async ({ params }) => {
      const { names } = service.parts;
      const name = params['*'];
      const found = names.all.find((each) => each.name === name);
      return shown(service, found ?? names.find('clip', name));
    },
  );

  app.post<{ Body: Static<typeof ModelBody> }>(
    '/models/load',
    { schema: { tags, summary: 'Load a model', body: ModelBody, response: responses({ 200: Model, 202: JobAccepted }) } },
    async (request, reply) => {
      service.requireReady();
      const { kind, name } = request.body;
      const { names, devices } = service.parts;
      const found = names.find(kind, name);
      return answerLongCall(service, request, reply, {
        kind: 'load',
        work: async (caller) => {
          const wish = kind === 'clip' ? { clip: found.name, caption: null } : { clip: service.clip(), caption: found.name };
          await devices.load(caller, wish);
          return shown(service, names.find(kind, name));
        },
      });
    },
  );

  app.post<{ Body: Static<typeof ModelBody> }>(
    '/models/unload',
    { schema: { tags, summary: 'Unload a model that nobody uses', body: ModelBody, response: responses({ 200: Model }, 409) } },
    async (request) => {
      service.requireReady();
      const { kind, name } = request.body;
      const { names, devices } = service.parts;
      const found = names.find(kind, name);
      if (names.defaults[kind][0] === found.name) {
        throw new Refusal(409, 'ERR_CONFLICT', `${found.name} is this server's default.`, { hint: 'Start the server with another one.' });
      }
      if (!(await devices.unload(kind, found.name))) throw notFound(`${found.name} is not in memory.`);
      return shown(service, found);
    },
  );

  app.post<{ Body: Static<typeof ModelBody> }>(
    '/models/pull',
    { schema: { tags, summary: "Fetch a model's weights", body: ModelBody, response: responses({ 202: JobAccepted }) } },
    async (request, reply) => {
      const { kind, name } = request.body;
      const { names } = service.parts;
      const found = names.find(kind, name);
      if (!service.settings.localDevice) {
        throw new Refusal(409, 'ERR_CONFLICT', 'This server has no models of its own: its workers have.', {
          hint: `On each worker's machine: npx torch-interrogator pull ${found.name}`,
        });
      }
      // Where nobody asked for it, it is for those on this machine, whatever the server listens to.
      if (!service.settings.allowPull || (!service.settings.pullIsForAll && !isLocal(request.socket.remoteAddress))) {
        throw new Refusal(403, 'ERR_FORBIDDEN', 'This server does not fetch models for its clients.', {
          hint: `On its machine: npx torch-interrogator pull ${found.name}; or start it with --allow-pull.`,
        });
      }
      const { job } = service.jobs.start('pull', service.clientOf(request), async (signal, onProgress) => {
        await pullModel(found.name, { signal, onProgress });
        await names.refresh();
        return shown(service, names.find(kind, found.name));
      });
      return sendJob(request, reply, job);
    },
  );
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

function shown(service: Service, { kind, name, memory, download, isInstalled, embedDim }: KnownModel): Model {
  const { names, devices } = service.parts;
  const state = devices.state(kind, name);
  const measured = devices.memoryOf(kind, name);
  return {
    id: name,
    object: 'model',
    created: Math.floor(service.startedAt / 1000),
    owned_by: 'torch-interrogator',
    kind,
    state: state !== 'absent' ? state : isInstalled ? 'installed' : 'available',
    isDefault: names.defaults[kind][0] === name,
    memory: measured === undefined ? memory : Math.round(measured),
    download,
    ...(embedDim !== null && { embedDim }),
    isSample: name === SAMPLE,
  };
}
