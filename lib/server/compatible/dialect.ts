/** What another system's routes have in common: errors in its own shape, with the status codes that are true. */
import type {} from '@fastify/swagger';
import type { TSchema } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendHead } from '../answers/problem';
import { Refusal } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';

export interface Dialect {
  /** As the document calls it. */
  system: string;
  /** The body of an answer that is none. */
  error: TSchema;
  errorOf(refusal: Refusal, request: FastifyRequest): unknown;
  /** The system's own status for a refusal, where it has another one. */
  statusOf?(refusal: Refusal): number;
}

export interface RouteWords {
  summary: string;
  description?: string;
  body?: TSchema;
  params?: TSchema;
  /** Of 200. */
  answer: unknown;
}

/** A context of its own, so that its errors are written as this system writes them. */
export function registerDialect(app: FastifyInstance, dialect: Dialect, add: (routes: FastifyInstance) => void): void {
  app.register(async (routes) => {
    routes.setErrorHandler((error, request, reply) => {
      const refusal = toRefusal(error);
      sendHead(reply, refusal).status(dialect.statusOf?.(refusal) ?? refusal.status);
      // The whole of it, whatever a route's schema says of its answers.
      return reply.type('application/json').send(JSON.stringify(dialect.errorOf(refusal, request)));
    });
    add(routes);
  });
}

/** A route's schema: what it takes, what it answers, and the system's error for everything else. */
export function routeSchema({ system, error }: Dialect, { answer, ...words }: RouteWords): Record<string, unknown> {
  const described = (description: string) => ({ ...error, description });
  return {
    tags: [system],
    ...words,
    response: { 200: answer, '4xx': described('The request is at fault.'), '5xx': described('The server fails, starts or ends.') },
  };
}

/** What was wrong and what to do, where an error has one text. */
export function said({ message, hint }: Refusal): string {
  return hint === undefined ? message : `${message} ${hint}`;
}

/** Throws 404, as these systems do, where a request has no picture. */
export function requireImage(image: string | null | undefined): string {
  if (image) return image;
  throw new Refusal(404, 'ERR_IMAGE_NOT_FOUND', 'Image not found.', { hint: 'Send it as `image`, in Base64.' });
}
