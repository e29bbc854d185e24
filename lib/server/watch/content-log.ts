/** What is asked and answered, in the log: for who starts the server with --log-content. Pictures never are. */
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** Longer texts are cut: lists of labels, features. */
const LONGEST = 2000;
const IMAGES = new Set(['image', 'images', 'input', 'url', 'inputs', 'blob', 'uri']);

declare module 'fastify' {
  interface FastifyRequest {
    /** Tells the log of a result that is no answer of its own: a stream's, a job's. */
    logResult?(result: unknown): void;
  }
}

export function logContent(app: FastifyInstance): void {
  app.decorateRequest('logResult', function (this: FastifyRequest, result: unknown): void {
    this.log.info({ asked: shown(this.body), answer: shown(result) }, 'content');
  });
  app.addHook('preSerialization', async (request, _reply, answer) => {
    request.logResult?.(answer);
    return answer;
  });
}

/** As JSON, without what may be a picture. */
function shown(value: unknown): string | undefined {
  const text = JSON.stringify(value, (key, each: unknown) => (IMAGES.has(key) ? undefined : each));
  return text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
