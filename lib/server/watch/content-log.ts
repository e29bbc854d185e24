/** What is asked and answered, in the log: for who starts the server with --log-content. Pictures never are. */
import type { FastifyInstance } from 'fastify';

/** Longer texts are cut: lists of labels, features. */
const LONGEST = 2000;
const IMAGES = new Set(['image', 'images', 'input', 'url', 'inputs', 'blob', 'uri']);

export function logContent(app: FastifyInstance): void {
  app.addHook('preSerialization', async (request, _reply, answer) => {
    request.log.info({ asked: shown(request.body), answer: shown(answer) }, 'content');
    return answer;
  });
}

/** As JSON, without what may be a picture. */
function shown(value: unknown): string | undefined {
  const text = JSON.stringify(value, (key, each: unknown) => (IMAGES.has(key) ? undefined : each));
  return text === undefined || text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
