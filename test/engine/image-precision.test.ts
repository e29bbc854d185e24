/** Image towers that multiply bfloat16 on the CPU: near to float32, the same in any company, refused where the processor has none. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { type ConfigInput, Interrogator } from '../../lib';
import { loadNative } from '../../lib/native/load';
import { testImage } from '../support/images';

const IMAGES = Array.from({ length: 9 }, (_, seed) => testImage(seed + 1, 64 + 20 * seed, 90));
const SAMPLE = { clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', cachePath: null, quiet: true } as const;

async function featuresOf(ours: Interrogator, image: (typeof IMAGES)[number]): Promise<Float32Array> {
  using features = await ours.imageToFeatures(image as never);
  return features.toArray();
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** A process of its own: which instructions are used is decided once. */
async function openWith(settings: ConfigInput, env: NodeJS.ProcessEnv): Promise<{ code: string; message: string; hint?: string } | null> {
  const index = path.join(__dirname, '..', '..', 'dist', 'index.js');
  const script = `require(${JSON.stringify(index)}).Interrogator.create(${JSON.stringify({ ...SAMPLE, ...settings })})
    .then((ours) => ours.dispose().then(() => null), ({ code, message }) => ({ code, message }))
    .then((told) => console.log(JSON.stringify(told)))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { env: { ...process.env, ...env } });
  return JSON.parse(stdout);
}

test('a processor without products of bfloat16 refuses them, and takes float32', async () => {
  const env = { ATEN_CPU_CAPABILITY: 'avx2' };
  expect(await openWith({ imagePrecision: 'bfloat16' }, env)).toEqual({
    code: 'ERR_DEVICE',
    message: expect.stringMatching(/AVX512_BF16[\s\S]*imagePrecision/),
  });
  expect(await openWith({ imagePrecision: 'float32' }, env)).toBeNull();
});

test('bfloat16 is near to float32, and the same in any company', async () => {
  const { cpuFeatures } = await (await loadNative()).runtimeInfo();
  if (!cpuFeatures.includes('avx512_bf16')) {
    await expect(Interrogator.create({ ...SAMPLE, imagePrecision: 'bfloat16' })).rejects.toMatchObject({ code: 'ERR_DEVICE' });
    return;
  }
  await using exact = await Interrogator.create(SAMPLE);
  await using rounded = await Interrogator.create({ ...SAMPLE, imagePrecision: 'bfloat16' });
  const together = await Promise.all(IMAGES.map((image) => featuresOf(rounded, image)));
  for (const [i, image] of IMAGES.entries()) {
    const right = await featuresOf(exact, image);
    const alone = await featuresOf(rounded, image);
    expect(together[i]).toEqual(alone);
    expect(alone).not.toEqual(right);
    expect(cosine(alone, right)).toBeGreaterThan(0.999);
    expect(await rounded.generateCaption(image as never)).toMatch(/\S/);
  }
});
