/** `/v1/runs` and `/v1/workers`: the fleet that the server was given a Redis of. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pause } from '../../abort';
import { EventStream } from '../answers/event-stream';
import { problemOf } from '../answers/problem';
import { Refusal } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';
import { OfRun, Run, RunBody, RunList, RunQuery, RunSubmitted, WorkerList } from '../contract/runs';
import { FleetRuns, type RunAction } from '../fleet/runs';
import { submitBody } from '../fleet/submit';
import { RunPlaces } from '../safety/run-places';
import type { Service } from '../service';
import { JobAccepted, responses, sendJob, wantsJob } from './answer';

type ForRun = { Params: Static<typeof OfRun> };

const WATCH_MS = 500;

const ACTIONS = [
  ['pause', 'Pause a run: shards under way come to their end, no others begin'],
  ['resume', 'Go on with a run'],
  ['cancel', 'Cancel a run: what is under way is given up, and what was made is removed'],
  ['retry', 'Try the pictures of an ended run again that failed, and write its outputs anew'],
] as const satisfies readonly (readonly [RunAction, string])[];

export function runRoutes(app: FastifyInstance, service: Service): void {
  const { fleet: link } = service;
  if (!link) return;
  const tags = ['runs'];
  const runs = new FleetRuns(link);
  const places = new RunPlaces(service.settings.runFolders);

  app.get<{ Querystring: RunQuery }>(
    '/runs',
    { schema: { tags, summary: 'The runs of the fleet, newest first', querystring: RunQuery, response: responses({ 200: RunList }) } },
    async ({ query: { offset = 0, limit = 50 } }) => {
      const all = await runs.list();
      return { runs: all.slice(offset, offset + limit), total: all.length };
    },
  );

  app.get<ForRun>(
    '/runs/:run',
    { schema: { tags, summary: 'A run', params: OfRun, response: responses({ 200: Run }) } },
    async ({ params }) => runs.read(params.run),
  );

  app.post<{ Body: RunBody }>(
    '/runs',
    {
      schema: {
        tags,
        summary: 'Submit a run to the fleet',
        description:
          "Answers when all pictures are listed, which takes a while of millions (Prefer: respond-async makes a job of it); workers begin before that. A client that leaves meanwhile cancels the run. Paths are as the server and all workers find them, below one of the server's --run-folders; without that option it is 403.",
        body: RunBody,
        response: responses({ 201: RunSubmitted, 202: JobAccepted }, 422),
      },
    },
    async (request, reply) => {
      const submit = async (signal: AbortSignal): Promise<Static<typeof RunSubmitted>> => {
        let pictures = 0;
        const onSubmitted = (submitted: number): void => {
          pictures = submitted;
        };
        const models = { clip: () => service.clip(), caption: () => service.parts.names.defaults.caption[0] ?? null };
        return { run: await submitBody(request.body, { link, places, models, signal, onSubmitted }), pictures };
      };
      if (wantsJob(request)) {
        service.requireRoomForJob();
        const { job } = service.jobs.start('run', service.clientOf(request), submit);
        return sendJob(request, reply, job);
      }
      const submitted = await submit(leftSignal(reply));
      return reply.status(201).header('location', `runs/${submitted.run}`).send(submitted);
    },
  );

  for (const [action, summary] of ACTIONS) {
    app.post<ForRun>(
      `/runs/:run/${action}`,
      { schema: { tags, summary, params: OfRun, response: responses({ 200: Run }, 409) } },
      async ({ params }) => {
        await runs.change(params.run, action);
        return runs.read(params.run);
      },
    );
  }

  app.delete<ForRun>(
    '/runs/:run',
    {
      schema: {
        tags,
        summary: 'Forget a run that has ended; its outputs stay',
        params: OfRun,
        response: responses({ 204: Type.Null() }, 409),
      },
    },
    async ({ params }, reply) => {
      await runs.change(params.run, 'remove');
      return reply.status(204).send();
    },
  );

  app.get<ForRun>(
    '/runs/:run/events',
    {
      schema: {
        tags,
        summary: 'How a run goes, as server-sent events',
        description: 'run events with the run whenever it may have changed, then one named end.',
        params: OfRun,
        produces: ['text/event-stream'],
        response: responses({ 200: Type.String() }),
      },
    },
    async (request, reply) => {
      const first = await runs.read(request.params.run);
      await follow(request, reply, { first, read: () => runs.read(first.run) });
      return reply;
    },
  );

  app.get('/workers', { schema: { tags, summary: 'The workers of the fleet', response: responses({ 200: WorkerList }) } }, async () => ({
    workers: await runs.workers(),
  }));
}

/** Fires when the client leaves before it has its answer. */
function leftSignal({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  const leave = (): void => {
    if (!raw.writableFinished) left.abort(new Refusal(499, 'ERR_CLIENT_GONE', 'The client has left.'));
  };
  raw.once('close', leave);
  if (raw.destroyed) leave();
  return left.signal;
}

/** Until the run's end, or until the client leaves. A Redis that is away is waited for. */
async function follow(request: FastifyRequest, reply: FastifyReply, { first, read }: { first: Run; read(): Promise<Run> }): Promise<void> {
  using stream = EventStream.open(reply);
  const left = new AbortController();
  reply.raw.once('close', () => left.abort());
  if (reply.raw.destroyed) return;
  let run = first;
  let told = '';
  try {
    for (;;) {
      const text = JSON.stringify({ ...run, seconds: 0 });
      if (text !== told) stream.send(run, run.endedAt === undefined ? 'run' : 'end');
      told = text;
      if (run.endedAt !== undefined) return;
      await pause(WATCH_MS, left.signal);
      run = await read().catch((error: unknown) => {
        if (toRefusal(error).status !== 503) throw error;
        return run;
      });
    }
  } catch (error) {
    if (left.signal.aborted) return;
    const refusal = toRefusal(error);
    request.failure = refusal.code;
    stream.send(problemOf(refusal, request.id), 'error');
  }
}
