/** The routes, to be registered in a Fastify app: createServer()'s, or anybody's. */
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { endStreams } from './answers/event-stream';
import { sendProblem } from './answers/problem';
import { notFound, Refusal } from './answers/refusal';
import { toRefusal } from './answers/to-refusal';
import { readBodies } from './bodies/parsers';
import { compatibleRoutes } from './compatible';
import { Problem } from './contract/common';
import { blobRoutes } from './fleet/door/blob-routes';
import { queueRoutes } from './fleet/queues';
import { type ServerOptions, settle } from './options';
import { folderRoutes } from './routes/folder';
import { interrogateRoutes } from './routes/interrogate';
import { jobRoutes } from './routes/jobs';
import { modelRoutes } from './routes/models';
import { rankRoutes } from './routes/rank';
import { runRoutes } from './routes/runs';
import { healthRoutes, metricsRoute, statusRoute } from './routes/status';
import { tableRoutes } from './routes/tables';
import { refuseStrangers } from './safety/origin';
import { Service } from './service';
import { validatorCompiler } from './validator';
import { logContent } from './watch/content-log';
import { noTimes } from './work/caller';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered without a key, and while the server ends. */
    isOpen?: boolean;
  }
  interface FastifyRequest {
    /** The code of what it failed with, also where a stream had begun. */
    failure: string | undefined;
  }
  interface FastifyInstance {
    /** What is behind the routes: of the app that registered the plugin, too. */
    interrogator: Service;
  }
}

/**
 * Registers `/v1/…`, `/live`, `/ready`, `/metrics` and the routes of other systems, below the `prefix` that it is registered with. The
 * models are loaded in the background: `app.interrogator.started` settles when they are.
 */
export const interrogatorPlugin: FastifyPluginAsync<ServerOptions & { prefix?: string }> = Object.assign(
  async (app: FastifyInstance, { prefix = '', ...options }: ServerOptions & { prefix?: string }) => {
    // Who can reach the app, nobody knows here: fetching models is to be asked for.
    const service = new Service(settle({ allowPull: false, ...options }), app.log);
    if (!app.hasDecorator('interrogator')) app.decorate('interrogator', service);
    const { localDevice, advertise } = service.settings;
    if (!localDevice) await app.register(async (routes) => blobRoutes(routes, service.blobs, { advertise }), { prefix });
    await app.register(async (routes) => registerRoutes(routes, service), { prefix });
  },
  // In the context of who registers it, where `interrogator` is to be; its routes have one of their own.
  { [Symbol.for('skip-override')]: true },
);

/** `ownsAll`: the app is createServer()'s. */
export async function registerRoutes(app: FastifyInstance, service: Service, { ownsAll = false } = {}): Promise<void> {
  const { settings } = service;
  app.addSchema(Problem);
  app.setValidatorCompiler(validatorCompiler());
  app.decorateRequest('failure', undefined);
  app.decorateRequest('times', null as unknown as ReturnType<typeof noTimes>);

  app.addHook('onRequest', async (request, reply) => {
    request.times = noTimes();
    service.watch(reply.raw);
    reply.header('x-request-id', request.id);
    if (!KNOWN_METHODS.has(request.method)) {
      reply.header('allow', [...KNOWN_METHODS].join(', '));
      throw new Refusal(405, 'ERR_METHOD', `No route takes ${request.method}.`);
    }
    refuseStrangers(request, settings);
    const { isOpen } = request.routeOptions.config;
    if (isOpen) return;
    service.keys.require(request);
    if (service.state === 'draining') service.requireReady();
  });
  app.addHook('onSend', async (request, reply) => {
    const { queue, load, tokenization, inference } = request.times;
    const spans = { queue, load, tokenization, inference, total: reply.elapsedTime / 1000 };
    const shown = Object.entries(spans).map(([name, seconds]) => `${name};dur=${(seconds * 1000).toFixed(1)}`);
    reply.header('server-timing', shown.join(', '));
  });
  app.addHook('onResponse', async (request, reply) => {
    const code = request.failure ?? (reply.statusCode >= 400 ? String(reply.statusCode) : undefined);
    service.metrics.ended(request.routeOptions.url ?? 'none', reply.elapsedTime / 1000, request.times, code);
  });
  app.addHook('onError', async (request, reply, error) => {
    const { code } = toRefusal(error);
    request.failure = code;
    // Of a client that has left, no response ends.
    if (reply.raw.destroyed) service.metrics.ended(request.routeOptions.url ?? 'none', reply.elapsedTime / 1000, request.times, code);
    else if (service.isOurFault(error)) request.log.error({ err: error }, 'a request failed');
  });
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, toRefusal(error)));
  // Without a prefix, what is not found is the app's.
  if (ownsAll || app.prefix !== '') {
    app.setNotFoundHandler((request, reply) =>
      sendProblem(request, reply, notFound(`There is no ${request.method} ${request.url.split('?')[0]}.`)),
    );
  }
  const refuseOthers = refuseOtherMethods(app);

  if (settings.logContent) logContent(app);
  await readBodies(app, { maxBody: settings.maxBody, spool: service.spool });
  healthRoutes(app, service);
  metricsRoute(app, service);
  await app.register(
    async (v1) => {
      interrogateRoutes(v1, service);
      rankRoutes(v1, service);
      tableRoutes(v1, service);
      modelRoutes(v1, service);
      jobRoutes(v1, service);
      statusRoute(v1, service);
      folderRoutes(v1, service);
      runRoutes(v1, service);
    },
    { prefix: '/v1' },
  );
  if (settings.compatible) await app.register(async (routes) => compatibleRoutes(routes, service));
  refuseOthers();
  await queueRoutes(app, service);

  app.addHook('onReady', async () => service.start());
  app.addHook('preClose', async () => {
    endStreams(app.server);
    // Node.js has no limits of time for those who are still sending, once it does not listen any more.
    setTimeout(() => app.server.closeAllConnections(), LINGERING_MS).unref();
  });
  app.addHook('onClose', () => service.close());
}

const LINGERING_MS = 3000;

const METHODS = ['DELETE', 'GET', 'PATCH', 'POST', 'PUT'] as const;
const KNOWN_METHODS: ReadonlySet<string> = new Set([...METHODS, 'HEAD', 'OPTIONS']);

/** Notes the routes that are added from now on. What it returns answers their other methods with 405, and what they take (RFC 9110). */
function refuseOtherMethods(app: FastifyInstance): () => void {
  const known = new Map<string, Set<string>>();
  let isNoting = true;
  app.addHook('onRoute', ({ method, url }) => {
    if (!isNoting) return;
    const methods = known.get(url) ?? new Set<string>();
    known.set(url, methods);
    for (const each of [method].flat()) methods.add(each);
  });
  return () => {
    isNoting = false;
    for (const [url, methods] of known) {
      const others = METHODS.filter((method) => !methods.has(method));
      if (others.length === 0) continue;
      const allow = [...methods].sort().join(', ');
      app.route({
        method: [...others],
        url: url.slice(app.prefix.length) || '/',
        config: { isOpen: true },
        schema: { hide: true },
        // Before a body is read.
        onRequest: async (request, reply) => {
          reply.header('allow', allow);
          throw new Refusal(405, 'ERR_METHOD', `${request.url.split('?')[0]} takes ${allow}.`);
        },
        handler: () => {},
      });
    }
  };
}
