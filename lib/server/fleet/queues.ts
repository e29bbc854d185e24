/** `/queues`: BullMQ's queues as bull-board shows them, to look at alone. */
import type { Queue } from 'bullmq';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Fleet } from '../../fleet/redis/connect';
import { REQUESTS } from '../../fleet/requests/wire';
import { openRunQueue } from '../../fleet/runs/queue';
import { RunRecords } from '../../fleet/runs/records';
import { sendProblem } from '../answers/problem';
import { Refusal } from '../answers/refusal';
import { toRefusal } from '../answers/to-refusal';
import type { Service } from '../service';
import type { FleetLink } from './link';

export const PATH = '/queues';
/** The page asks every few seconds. */
const FRESH_MS = 2000;
/** Each is a tab of the page, and a few commands to Redis whenever it is looked at. */
const MOST_RUNS = 100;

const { devDependencies: BOARD } = require('../../../package.json') as { devDependencies: Record<string, string> };

type Board = typeof import('@bull-board/api') & typeof import('@bull-board/fastify') & typeof import('@bull-board/api/bullMQAdapter');

export async function queueRoutes(app: FastifyInstance, service: Service): Promise<void> {
  const { fleet: link } = service;
  if (!link) return;
  const { board, fault } = load();
  if (!board) return withoutBoard(app, fault);
  const adapter = new board.FastifyAdapter();
  const { replaceQueues } = board.createBullBoard({ queues: [], serverAdapter: adapter, options: { uiConfig: UI } });
  const queues = new BoardQueues(link, (opened) =>
    replaceQueues(
      opened.map(
        ({ queue, title }) => new board.BullMQAdapter(queue as never, { readOnlyMode: true, allowRetries: false, description: title }),
      ),
    ),
  );
  app.addHook('onClose', () => queues.close());
  await app.register(
    async (routes) => {
      // Its own would answer refusals with 500.
      routes.addHook('onRoute', (route) => {
        route.errorHandler = (error, request, reply) => sendProblem(request, reply, toRefusal(error));
      });
      routes.addHook('onRequest', async ({ method, url }) => {
        if (method !== 'GET' && method !== 'HEAD') {
          const hint = 'Runs are controlled by /v1/runs, and by torch-interrogator run.';
          throw new Refusal(405, 'ERR_METHOD', 'The queues are to be looked at alone: a click there could lose work.', { hint });
        }
        if (/\/api\//.test(url.split('?')[0] ?? '')) await queues.refresh();
      });
      routes.addHook('onSend', async (request, reply, payload) => {
        reply.header('content-security-policy', SECURITY);
        // A browser asks its user for the key, as a password.
        if (reply.statusCode === 401) reply.header('www-authenticate', 'Basic realm="torch-interrogator: the API key as the password"');
        const isPage = typeof payload === 'string' && /^text\/html/.test(String(reply.getHeader('content-type')));
        return isPage ? ownPage(payload, baseOf(request, routes.prefix)) : payload;
      });
      routes.get('/base.js', { schema: { hide: true } }, async (_, reply) =>
        reply.type('text/javascript; charset=utf-8').send(BASE_SCRIPT),
      );
      await routes.register(adapter.registerPlugin() as never);
    },
    { prefix: PATH },
  );
}

const UI = { boardTitle: 'torch-interrogator', hideRedisDetails: false };

/** It is large, and few look at queues: who wants it installs it. What it needs may want a newer Node.js than we do. */
function load(): { board: Board; fault?: never } | { board?: never; fault: NodeJS.ErrnoException } {
  try {
    const parts = [require('@bull-board/api'), require('@bull-board/fastify'), require('@bull-board/api/bullMQAdapter')];
    return { board: Object.assign({}, ...parts) as Board };
  } catch (error) {
    return { fault: error as NodeJS.ErrnoException };
  }
}

/** Says what to do, instead of the page. */
function withoutBoard(app: FastifyInstance, { code, message }: NodeJS.ErrnoException): void {
  const packages = ['@bull-board/api', '@bull-board/fastify'].map((name) => `${name}@${BOARD[name]}`).join(' ');
  const [detail, hint] =
    code === 'MODULE_NOT_FOUND'
      ? ['The page of the queues is not installed.', `npm install ${packages}, then start the server again.`]
      : [`The page of the queues cannot be loaded: ${message.split('\n')[0]}`, 'It needs Node.js 20.19 or newer.'];
  for (const url of [PATH, `${PATH}/*`]) {
    app.get(url, { schema: { hide: true } }, async () => {
      throw new Refusal(501, 'ERR_NOT_FOUND', detail as string, { hint });
    });
  }
}

/** Styles are written into elements by its scripts; nothing is loaded from elsewhere. */
const SECURITY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

/** Where a proxy has put the server, the browser alone knows: the page's scripts want the whole path. */
const BASE_SCRIPT = `const base = document.querySelector('base');\nbase.setAttribute('href', new URL(base.href).pathname);\n`;

/** From the page that is asked for to `/queues/`. */
function baseOf({ url }: FastifyRequest, prefix: string): string {
  const rest = (url.split('?')[0] ?? '').slice(prefix.length);
  if (rest === '') return `${PATH.slice(1)}/`;
  return '../'.repeat(rest.split('/').length - 2) || './';
}

/** Without fonts of other servers, and with a base that holds below a path, too. */
function ownPage(html: string, base: string): string {
  return html
    .replace(/<link[^>]+href="https?:[^>]*>/g, '')
    .replace(/<base [^>]*>/, `<base href="${base}" /><script src="base.js"></script>`);
}

interface OpenQueue {
  queue: Queue;
  title: string;
}

/** The queues of open runs, and that of requests: as they are when somebody looks. */
class BoardQueues {
  private readonly open = new Map<string, OpenQueue>();
  private refreshed: { at: number; done: Promise<void> } | undefined;

  constructor(
    private readonly link: FleetLink,
    private readonly show: (queues: readonly OpenQueue[]) => void,
  ) {}

  /** Rejects with a Refusal of 503 where Redis cannot be reached. */
  async refresh(): Promise<void> {
    await this.link.open();
    if (this.refreshed && performance.now() - this.refreshed.at < FRESH_MS) return this.refreshed.done;
    const done = this.link.use((fleet) => this.compare(fleet));
    this.refreshed = { at: performance.now(), done };
    done.catch(() => {
      this.refreshed = undefined;
    });
    return done;
  }

  async close(): Promise<void> {
    for (const { queue } of this.open.values()) await queue.close().catch(() => {});
  }

  private async compare(fleet: Fleet): Promise<void> {
    const records = new RunRecords(fleet);
    const ids = (await records.open()).slice(0, MOST_RUNS);
    const wanted = new Set([REQUESTS, ...ids]);
    for (const [id, { queue }] of this.open) {
      if (wanted.has(id)) continue;
      this.open.delete(id);
      await queue.close();
    }
    if (!this.open.has(REQUESTS)) this.open.set(REQUESTS, { queue: requestQueue(fleet), title: 'Single requests' });
    for (const id of ids) {
      if (this.open.has(id)) continue;
      const record = await records.read(id).catch(() => undefined);
      if (record) this.open.set(id, { queue: openRunQueue(fleet, id) as unknown as Queue, title: record.spec.title });
    }
    this.show([...this.open.values()]);
  }
}

function requestQueue(fleet: Fleet): Queue {
  const { Queue: BullQueue } = require('bullmq') as typeof import('bullmq');
  const queue = new BullQueue(REQUESTS, { connection: fleet.redis, prefix: fleet.prefix });
  queue.on('error', () => {});
  return queue;
}
