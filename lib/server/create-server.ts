/** A whole server: the routes, the page, the document, and what stands before them. */

import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { Refusal } from './answers/refusal';
import { blobRoutes } from './fleet/door/blob-routes';
import { type ServerOptions, settle } from './options';
import { registerRoutes } from './plugin';
import { pageRoutes } from './routes/page';
import { Service } from './service';

const { version, homepage } = require('../../package.json') as { version: string; homepage: string };

/** The event loop is never held so long by the server itself. */
const MOST_DELAY_MS = 1000;

/**
 * A Fastify instance that is ready to listen: `await createServer({ clip: ['sample'] }).listen({ port: 7860 })`. The models are loaded
 * in the background; until they are, requests are answered with 503. Nothing runs before listen(), ready() or inject(). Throws
 * ERR_INVALID_ARGUMENT for options that are wrong.
 */
export function createServer(options: ServerOptions = {}): FastifyInstance {
  const settings = settle(options);
  const { maxBody, requestTimeout, trustProxy, cors, rateLimit, docs, page } = settings;
  const app = Fastify({
    logger: options.logger ?? { level: 'info' },
    trustProxy,
    bodyLimit: maxBody,
    // Slow senders hold no connection for long.
    requestTimeout: requestTimeout * 1000,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    http: { headersTimeout: Math.min(requestTimeout * 1000, 15_000), connectionsCheckingInterval: 5000, maxHeaderSize: 32 << 10 },
    routerOptions: { maxParamLength: 500 },
    forceCloseConnections: 'idle',
    requestIdHeader: false,
    genReqId: (request) => givenId(request.headers['x-request-id']) ?? newId(),
    logController: new LogController({ disableRequestLogging: true }),
    ajv: { customOptions: { strict: false } },
    clientErrorHandler: answerUnreadable,
  });
  const service = new Service(settings, app.log);
  app.decorate('interrogator', service);
  app.addHook('onResponse', async (request, reply) => {
    const { method, url } = request;
    // Without what stands behind the ?, which may be a text.
    request.log.info({ method, path: url.split('?')[0], status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
  });
  app.register(require('@fastify/helmet') as typeof import('@fastify/helmet'), {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY },
    // Plain http in a local network is how most are used; a proxy with TLS sets it itself.
    strictTransportSecurity: false,
    crossOriginResourcePolicy: { policy: cors.length > 0 ? 'cross-origin' : 'same-origin' },
  });
  app.register(require('@fastify/under-pressure') as typeof import('@fastify/under-pressure'), {
    maxEventLoopDelay: MOST_DELAY_MS,
    retryAfter: 2,
  });
  if (cors.length > 0) {
    app.register(require('@fastify/cors') as typeof import('@fastify/cors'), {
      origin: cors.includes('*') ? '*' : [...cors],
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: ['location', 'retry-after', 'server-timing', 'x-request-id'],
    });
  }
  if (rateLimit !== undefined) {
    app.register(require('@fastify/rate-limit') as typeof import('@fastify/rate-limit'), {
      max: rateLimit,
      timeWindow: 60_000,
      errorResponseBuilder: (_, { max, ttl }) =>
        new Refusal(429, 'ERR_RATE', `At most ${max} requests a minute are taken of one client.`, { retryAfter: Math.ceil(ttl / 1000) }),
      keyGenerator: (request) => service.clientOf(request),
      allowList: (request) => request.routeOptions.config.isOpen ?? false,
    });
  }
  app.register(require('@fastify/swagger') as typeof import('@fastify/swagger'), {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'torch-interrogator', version, description: 'The text prompt that would make a picture like this one.' },
      externalDocs: { url: homepage },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: settings.apiKey.length > 0 ? [{ key: [] }] : [],
    },
    transform: ({ schema, url, route }) => ({ schema: withPictures(schema as object, route.config?.pictureField) as never, url }),
    refResolver: { buildLocalReference: (json, _, __, i) => String(json.$id ?? json.title ?? `def-${i}`) },
  });
  if (docs) {
    app.register(require('@fastify/swagger-ui') as typeof import('@fastify/swagger-ui'), {
      routePrefix: '/docs',
      staticCSP: true,
      // helmet adds it: without TLS no file of the page would load.
      transformStaticCSP: (header) => header.replace(/;?\s*upgrade-insecure-requests/, ''),
    });
    // Its links are relative to docs/: below a path of a proxy the server does not know it.
    app.addHook('onRequest', async ({ url }, reply) => (/^\/docs(\?|$)/.test(url) ? reply.redirect('docs/') : undefined));
  }
  if (!settings.localDevice) app.register(async (routes) => blobRoutes(routes, service.blobs, settings));
  app.register(async (routes) => {
    await registerRoutes(routes, service, { ownsAll: true });
    routes.get('/openapi.json', { config: { isOpen: true }, schema: { hide: true } }, async () => app.swagger());
  });
  if (page) pageRoutes(app);
  return app;
}

/** What is not even HTTP, or not in time. */
const UNREADABLE: Record<string, [number, string]> = {
  HPE_INVALID_METHOD: [405, 'No route takes this method.'],
  HPE_HEADER_OVERFLOW: [431, 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request took too long to be sent.'],
};

function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  // There is nobody to answer, or an answer is under way.
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return;
  const [status, detail] = UNREADABLE[error.code ?? ''] ?? [400, 'The request cannot be read.'];
  const title = STATUS_CODES[status] as string;
  const code = status === 405 ? 'ERR_METHOD' : 'ERR_BODY_INVALID';
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code });
  const allow = status === 405 ? 'Allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n' : '';
  const head = `HTTP/1.1 ${status} ${title}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nContent-Type: application/problem+json\r\n`;
  socket.end(`${head}${allow}Connection: close\r\n\r\n${body}`);
}

const CONTENT_SECURITY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'blob:', 'data:'],
  connectSrc: ["'self'"],
  formAction: ["'none'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Ids of a proxy are kept where they are ids: they come into logs and headers. */
function givenId(given: unknown): string | undefined {
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : undefined;
}

let requests = 0;

function newId(): string {
  requests += 1;
  return `${process.pid.toString(36)}-${Date.now().toString(36)}-${requests.toString(36)}`;
}

/** Routes with pictures take forms, and pictures by themselves, too. */
function withPictures(schema: object | undefined, pictureField: string | undefined): object | undefined {
  const { body } = (schema ?? {}) as { body?: { properties: Record<string, object>; required?: string[] } };
  if (pictureField === undefined || body === undefined) return schema;
  const file = { type: 'string', format: 'binary', description: 'The file of a picture.' };
  const form = { ...body, properties: { ...body.properties, [pictureField]: file } };
  const content = {
    'application/json': { schema: body },
    'multipart/form-data': { schema: form },
    'image/*': { schema: file },
  };
  return { ...schema, body: { content } };
}
