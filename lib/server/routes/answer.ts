/** What the routes of `/v1` have in common: errors, and how a long call is answered. */
import type {} from '@fastify/swagger';
import { type TSchema, Type } from '@sinclair/typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { pause } from '../../abort';
import type { ProgressEvent } from '../../index';
import { streamWork, wantsEvents } from '../answers/event-stream';
import { Refusal } from '../answers/refusal';
import { Problem } from '../contract/common';
import { Job } from '../contract/jobs';
import type { Service } from '../service';
import type { Caller } from '../work/caller';

const MEANS: Record<number, string> = {
  400: 'The request is not as it should be.',
  401: 'A key is needed.',
  403: 'What is asked for is not allowed.',
  404: 'What is asked for is not there.',
  409: 'It is in the way of something else.',
  413: 'The request is too large.',
  415: 'A body of a type that is not read.',
  422: 'The picture cannot be used.',
  429: 'Too much is waiting. See Retry-After.',
  500: 'The server failed.',
  503: 'The server starts, ends, or has no memory left. See Retry-After.',
};

/** The response of each status, for the document and the serialiser. */
export function responses(answer: Record<number, TSchema>, ...errors: number[]): Record<number, unknown> {
  const all = [400, 401, 403, 404, 413, 415, 429, 500, 503, ...errors];
  const problems = all.map((status) => [
    status,
    { description: MEANS[status], content: { 'application/problem+json': { schema: Type.Ref(Problem) } } },
  ]);
  return { ...Object.fromEntries(problems), ...answer };
}

type Listener = (event: ProgressEvent & { seconds?: number }) => void;

export interface LongCall<T> {
  /** Of its job. */
  kind: string;
  work(caller: Caller): Promise<T>;
}

/** Whether the client wants an answer at once, and the result later (RFC 7240). */
export function wantsJob({ headers }: FastifyRequest): boolean {
  return /\brespond-async\b/.test(String(headers.prefer ?? ''));
}

export const JobAccepted = Type.Object({ ...Job.properties }, { title: 'JobAccepted', description: 'The job. Location is its address.' });

/** Answers with the result; with events; or with a job, as the client likes. */
export async function answerLongCall<T>(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  { kind, work }: LongCall<T>,
): Promise<unknown> {
  if (wantsJob(request)) {
    const owner = service.clientOf(request);
    service.requireRoomForJob();
    request.outlives = true;
    const { job } = service.jobs.start(kind, owner, async (signal, report) => {
      using caller = service.jobCaller(owner, signal, report);
      const result = await patiently(() => work(caller), signal).finally(() => request.held.letGo());
      request.logResult?.(result);
      return result;
    });
    return sendJob(request, reply, job);
  }
  if (!wantsEvents(request)) {
    using caller = service.caller(request, reply);
    return await work(caller);
  }
  return streamWork(request, reply, async (report: Listener) => {
    using caller = service.caller(request, reply, report);
    return await work(caller);
  });
}

/** What was accepted waits where the device has too much to do, instead of failing. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 429) throw error;
      await pause(1000 * (error.retryAfter ?? 1), signal);
    }
  }
}

export function sendJob(request: FastifyRequest, reply: FastifyReply, job: Job): Job {
  // Relative to the request's own address: behind a proxy the server does not know what is before it.
  const depth = (request.routeOptions.url ?? '').replace(/^.*\/v1\//, '').split('/').length - 1;
  reply
    .status(202)
    .header('location', `${'../'.repeat(depth)}jobs/${job.id}`)
    .header('preference-applied', 'respond-async');
  return job;
}

/** Wall time of the request, or of the job, so far. */
export function secondsOf({ times }: Pick<Caller, 'times'>): number {
  return Math.round(performance.now() - times.began) / 1000;
}
