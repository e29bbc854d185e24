/** The peer: infinity-emb as PyPI has it, in a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Service } from './service.mjs';

const NAME = 'clip';
/** The end of what it said, for its error. */
const KEPT = 4000;
/**
 * The engine that serves CLIP models, with the batches that it makes by default. Compiled it is about a tenth faster on a CPU. On a CPU it
 * computes in float32 alone. Its cache of vectors is off.
 */
const SETTINGS = ['--engine', 'torch', '--device', 'cpu', '--dtype', 'float32', '--compile', '--no-vector-disk-cache'];

export class InfinityServer extends Service {
  #work;
  #said = '';

  constructor(child, url, work) {
    super(child, url);
    this.#work = work;
    const hear = (text) => {
      this.#said = (this.#said + text).slice(-KEPT);
    };
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', hear);
  }

  /** On a transformers folder. `programs`: where infinity_emb is. Resolves when the model is open. */
  static async start({ programs, folder, threads }) {
    const port = await freePort();
    const work = mkdtempSync(path.join(os.tmpdir(), 'peer-server-'));
    const args = ['v2', '--model-id', folder, '--served-model-name', NAME, ...SETTINGS];
    const child = spawn(
      path.join(programs, 'infinity_emb'),
      [...args, '--host', '127.0.0.1', '--port', String(port), '--log-level', 'warning'],
      {
        cwd: work,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          ...{ OMP_NUM_THREADS: String(threads), TORCHINDUCTOR_CACHE_DIR: path.join(work, 'compiled') },
          ...{ HF_HUB_OFFLINE: '1', DO_NOT_TRACK: '1' },
        },
      },
    );
    const infinity = new InfinityServer(child, `http://127.0.0.1:${port}`, work);
    await infinity.ready();
    return infinity;
  }

  async ready() {
    for (;;) {
      if (this.hasEnded) throw new Error(`infinity_emb ended:\n${this.#said}`);
      const answer = await this.ask('/health').catch(() => undefined);
      if (answer?.status === 200) return;
      await sleep(200);
    }
  }

  /** Name, version and settings. */
  async describe() {
    const { body } = await this.ask('/openapi.json');
    return `infinity-emb ${body.info.version} ${SETTINGS.join(' ')}`;
  }

  /** One picture's features. */
  async embed(bytes) {
    const { status, body } = await this.ask('/embeddings', { body: embeddingsBody(NAME, bytes) });
    if (status !== 200) throw new Error(`infinity_emb answered ${status}: ${JSON.stringify(body)}`);
    return body.data[0].embedding;
  }

  async ended() {
    const code = await super.ended();
    rmSync(this.#work, { recursive: true, force: true });
    return code;
  }
}

/** What Infinity's clients send for a picture. */
export function embeddingsBody(model, bytes) {
  return { model, input: [`data:image/jpeg;base64,${bytes.toString('base64')}`], modality: 'image' };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
