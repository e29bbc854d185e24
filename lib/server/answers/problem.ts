/** Refusals as RFC 9457 has them. */
import { STATUS_CODES } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../contract/common';
import type { Refusal } from './refusal';

export function problemOf(refusal: Refusal, instance?: string): Problem {
  const { status, code, message: detail, hint, retryAfter } = refusal;
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(hint !== undefined && { hint }),
    ...(instance !== undefined && { instance }),
    ...(retryAfter !== undefined && { retryAfter }),
  };
}

/** Status and headers that all dialects share. */
export function sendHead(reply: FastifyReply, { status, retryAfter, code }: Refusal): FastifyReply {
  // The limit of the rate has set its own.
  if (retryAfter !== undefined && !reply.hasHeader('retry-after')) reply.header('retry-after', String(Math.max(1, Math.ceil(retryAfter))));
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="torch-interrogator"');
  // The rest of a body that is refused is not read.
  if (code === 'ERR_BODY_SIZE' || status === 503) reply.header('connection', 'close');
  return reply.status(status);
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  return sendHead(reply, refusal)
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(refusal, request.id)));
}
