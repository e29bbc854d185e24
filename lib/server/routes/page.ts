/** The page at `/`, as it was built when the package was made. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';

/** The same from lib/ and from dist/. */
const FOLDER = path.join(__dirname, '..', '..', '..', 'dist', 'web');
/** Names of assets have a digest of their content. */
const ASSETS = `${path.sep}assets${path.sep}`;

/** Without a key: the page asks for it. */
export function pageRoutes(app: FastifyInstance): void {
  if (!existsSync(path.join(FOLDER, 'index.html'))) {
    app.get('/', { config: { isOpen: true }, schema: { hide: true } }, async (_, reply) =>
      reply.type('text/plain').send('The page was not built: npm run build:web. The routes are in /openapi.json.\n'),
    );
    return;
  }
  app.register(require('@fastify/static') as typeof import('@fastify/static'), {
    root: FOLDER,
    // Files are known from the start: what is not there is answered as every other path.
    wildcard: false,
    preCompressed: true,
    // A list: a name by itself is not found where the compressed copy is asked for.
    index: ['index.html'],
    cacheControl: false,
    decorateReply: false,
    setHeaders: (reply, file) => {
      const lasts = file.includes(ASSETS);
      reply.setHeader('cache-control', lasts ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}
