/** Memory that runs out while something is loaded is an error like others: the process lives, and what is smaller works afterwards. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { shapesOf, writeEmptyWeights } from '../support/empty-weights';

const SCRIPT = path.join(__dirname, 'little-memory.cjs');
/** The address space of a process can be bounded there. */
const onLinux = process.platform === 'linux' ? test : test.skip;

let work: string;
let weights: string;
beforeAll(async () => {
  work = mkdtempSync(path.join(tmpdir(), 'little-memory-'));
  weights = path.join(work, 'ViT-L-14.safetensors');
  writeEmptyWeights(weights, await shapesOf('ViT-L-14'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const OUT_OF_MEMORY = {
  name: 'InterrogatorError',
  code: 'ERR_OUT_OF_MEMORY',
  message: expect.stringMatching(/memory/),
  hint: expect.stringContaining('a smaller model'),
};

// ViT-L-14 takes 1.7 GB, ViT-S-32 250 MB, and a part of it twice while it is read, the table 1.5 GB.
onLinux.each([
  [300, OUT_OF_MEMORY],
  [600, { value: 384 }],
  [900, { value: 384 }],
  [1300, { value: 384 }],
])(
  'with %i MB more, models and tables that take more are refused, and smaller ones run',
  async (megabytes, small) => {
    // Each further arena of glibc reserves 64 MB of address space and uses next to nothing of it; how many there are is the threads' chance.
    const env = { ...process.env, MALLOC_ARENA_MAX: '2', TORCH_INTERROGATOR_HOME: mkdtempSync(path.join(work, 'home-')) };
    const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, String(megabytes), weights], { env });
    expect(JSON.parse(stdout)).toEqual({
      'large of a file': OUT_OF_MEMORY,
      'large and random': OUT_OF_MEMORY,
      'large again': OUT_OF_MEMORY,
      small,
      'large table': OUT_OF_MEMORY,
      'small table': { value: 2000 },
    });
  },
  120_000,
);

onLinux(
  'the command line says so, and exits 1',
  async () => {
    const main = path.join(__dirname, '..', '..', 'dist', 'cli', 'main.js');
    const limited = `ulimit -v 3000000; exec ${process.execPath} ${main} features --clip ViT-bigG-14/ --text a --device cpu --quiet`;
    const failed = await promisify(execFile)('sh', ['-c', limited]).catch((error) => error);
    expect({ code: failed.code, stdout: failed.stdout }).toEqual({ code: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^error: .*memory.* \(ERR_OUT_OF_MEMORY\)$/m);
    expect(failed.stderr).toContain('a smaller model');
  },
  120_000,
);
