/** `/live`, `/ready`, `/metrics` and `/v1/status`. */
import { Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { Status } from '../contract/models';
import { SAMPLE } from '../models/names';
import type { Service } from '../service';
import { responses } from './answer';

const { version } = require('../../../package.json') as { version: string };

const State = Type.Object({ status: Type.String() });

/** These are answered without a key, and while the server starts and ends. */
export function healthRoutes(app: FastifyInstance, service: Service): void {
  const schema = { tags: ['health'], response: { 200: State, 503: State } };
  const config = { isOpen: true };
  app.get('/live', { config, schema: { ...schema, summary: 'The process is well' } }, async () => ({ status: 'live' }));
  app.get('/ready', { config, schema: { ...schema, summary: 'Requests are served' } }, async (_, reply) => {
    if (!service.hindrance) return { status: 'ready' };
    const status = service.state === 'ready' ? 'no workers' : service.state;
    return reply.status(503).header('retry-after', '2').send({ status });
  });
}

export function metricsRoute(app: FastifyInstance, service: Service): void {
  const schema = {
    tags: ['health'],
    summary: 'Figures for Prometheus',
    response: { 200: { description: 'Text, version 0.0.4.', content: { 'text/plain': { schema: Type.String() } } } },
  };
  app.get('/metrics', { schema }, async (_, reply) => {
    const { registry } = service.metrics;
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

export function statusRoute(app: FastifyInstance, service: Service): void {
  app.get(
    '/status',
    { schema: { tags: ['health'], summary: 'Devices, models, limits', response: responses({ 200: Status }) } },
    async () => {
      const { settings, parts, cache, state, startedAt } = service;
      const { defaults } = parts.names;
      const [clip = '', captioner = null] = [defaults.clip[0], defaults.caption[0]];
      return {
        version,
        state,
        uptime: (Date.now() - startedAt) / 1000,
        devices: [...parts.devices.shown],
        clipModelName: clip,
        captionModelName: captioner,
        onlySample: parts.devices.openClips.every((each) => each === SAMPLE),
        cache: cache.counts,
        process: { rss: process.memoryUsage.rss(), eventLoopDelay: service.metrics.eventLoopDelay() * 1000 },
        limits: { maxBody: settings.maxBody, maxWait: settings.maxWait, maxPixels: settings.maxPixels },
        allows: { urls: settings.allowUrls, pull: settings.allowPull, folder: settings.folder !== undefined },
        fleet: service.fleet ? { submits: settings.runFolders.length > 0 } : null,
        needsKey: settings.apiKey.length > 0,
      };
    },
  );
}
