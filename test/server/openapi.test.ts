/** The server by its own document: schemathesis makes requests of it, good and bad, and looks at what is answered. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TestRedis } from '../fleet/support/redis';
import { IMAGES, type Served, served } from './served';

const PYTHON = process.env.CLIENTS_PYTHON ?? path.join(__dirname, '..', '..', 'build', 'clients', 'bin', 'python');
/** Texts that the schema takes may still be no picture: that is 400, and no fault. */
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
];

let server: Served;
let redis: TestRedis;

beforeAll(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pictures-'));
  cpSync(IMAGES, folder, { recursive: true });
  redis = await TestRedis.start();
  server = await served({ folder, maxBody: 2 << 20, maxWait: 3600, allowPull: false, redis: redis.url, runFolders: [folder] });
});
afterAll(async () => {
  await server?.close();
  await redis?.stop();
});

test('no request of its document is answered with 5xx, or outside of its schema', async () => {
  if (!existsSync(PYTHON)) throw new Error('There is no Python with the clients: run npm test once, which makes it.');
  const { code, output } = await schemathesis([
    ...['--checks', CHECKS.join(','), '--max-examples', '5', '--seed', '1', '--workers', '1', '--generation-database', 'none'],
    // Streams of events do not end by themselves.
    ...['--exclude-path-regex', '/events$', '--request-timeout', '20'],
  ]);
  expect(`${code}\n${code === 0 ? '' : output}`).toBe('0\n');
  expect(output).toMatch(/Tested: +[3-9]\d/);
});

test('every route of the document has a summary, and every answer a schema', async () => {
  const { body } = await server.get('/openapi.json');
  expect(body.openapi).toBe('3.1.0');
  for (const [route, methods] of Object.entries<Record<string, { summary?: string; responses: Record<string, unknown> }>>(body.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      expect(`${method} ${route}: ${operation.summary ?? 'no summary'}`).not.toMatch(/no summary/);
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0);
    }
  }
});

function schemathesis(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    PYTHON,
    ['-m', 'schemathesis.cli', '--config-file', path.join(__dirname, 'schemathesis.toml'), 'run', `${server.url}/openapi.json`, ...args],
    {
      cwd: mkdtempSync(path.join(tmpdir(), 'schemathesis-')),
      env: { ...process.env, NO_COLOR: '1', PYTHONIOENCODING: 'utf-8' },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}
