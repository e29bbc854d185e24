/** A store of objects for a test: moto's server, on a free port, in memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { S3Client } from '@aws-sdk/client-s3';

export const BUCKET = 'results';
/** The first of all test runs makes the Python environment. */
export const START_MS = 600_000;

const ROOT = path.join(__dirname, '..', '..', '..', '..');

interface User {
  accessKeyId: string;
  secretAccessKey: string;
}

export class TestObjectStore {
  /** The test's own, beside ours. */
  readonly client: S3Client;

  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    readonly users: Readonly<Record<'all' | 'reader', User>>,
  ) {
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
    const credentials = users.all ?? { accessKeyId: 'test', secretAccessKey: 'test' };
    this.client = new S3Client({ endpoint: this.url, forcePathStyle: true, region: 'us-east-1', credentials });
  }

  /** `strict`: requests must be signed by one of its users. */
  static async start({ strict = false } = {}): Promise<TestObjectStore> {
    const { objectStorePython } = await import(path.join(ROOT, 'scripts', 'object-store-python.mjs'));
    const python = process.env.OBJECT_STORE_PYTHON ?? ((await objectStorePython()) as string);
    const child = spawn(python, [path.join(__dirname, 'object_store.py'), BUCKET, ...(strict ? ['--strict'] : [])], {
      env: { ...process.env, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    });
    let log = '';
    child.stderr.on('data', (piece) => {
      log = (log + piece).slice(-4000);
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const { port, users } = JSON.parse(line);
      return new TestObjectStore(child, port, users);
    }
    throw new Error(`moto's server ended: ${log}`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** The settings of AWS as a test wants them, and none of this machine's, until what is returned is called. */
export function setAws(settings: Readonly<Record<string, string>>): () => void {
  const before = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nowhere/config',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere/credentials',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    ...settings,
  });
  return () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    Object.assign(process.env, before);
  };
}

/** What reaches a store that anybody may use. */
export function openTo(url: string): Record<string, string> {
  return { AWS_ENDPOINT_URL: url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };
}
