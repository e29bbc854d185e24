/** `/v1/jobs`. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { AbortError } from '../../index';
import { EventStream } from '../answers/event-stream';
import { Job, JobList } from '../contract/jobs';
import type { Service } from '../service';
import { responses } from './answer';

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) });
type OfJob = { Params: Static<typeof Id> };

export function jobRoutes(app: FastifyInstance, service: Service): void {
  const tags = ['jobs'];
  const { jobs } = service;
  app.get('/jobs', { schema: { tags, summary: "The client's jobs", response: responses({ 200: JobList }) } }, async (request) => ({
    jobs: jobs.of(service.clientOf(request)).map(({ result: _, ...job }) => job),
  }));

  app.get<OfJob>(
    '/jobs/:id',
    { schema: { tags, summary: 'A job, and its result once it is done', params: Id, response: responses({ 200: Job }) } },
    async (request) => jobs.find(request.params.id, service.clientOf(request)).job,
  );

  app.delete<OfJob>(
    '/jobs/:id',
    { schema: { tags, summary: 'Cancel a job', params: Id, response: responses({ 200: Job }) } },
    async (request) => {
      const running = jobs.find(request.params.id, service.clientOf(request));
      running.cancel(new AbortError('cancelled'));
      if (!running.hasEnded) await new Promise<void>((resolve) => running.events.once('end', resolve));
      return running.job;
    },
  );

  app.get<OfJob>(
    '/jobs/:id/events',
    {
      schema: {
        tags,
        summary: "A job's progress, as server-sent events",
        description: 'progress events, then one named end with the job.',
        params: Id,
        produces: ['text/event-stream'],
        response: responses({ 200: Type.String() }),
      },
    },
    async (request, reply) => {
      const running = jobs.find(request.params.id, service.clientOf(request));
      using stream = EventStream.open(reply);
      const tell = (event: unknown): void => stream.send(event, 'progress');
      running.events.on('progress', tell);
      if (running.job.progress) tell(running.job.progress);
      if (!running.hasEnded && !reply.raw.destroyed) {
        await new Promise<void>((resolve) => {
          running.events.once('end', resolve);
          reply.raw.once('close', resolve);
        });
      }
      running.events.off('progress', tell);
      if (running.hasEnded) stream.send(running.job, 'end');
      return reply;
    },
  );
}
