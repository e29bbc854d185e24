/** npm run build:web: the page of the server, from lib/web to dist/web, with compressed copies of each file. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { filesBelow, main, ROOT, StepError } from './step.mjs';

const FROM = path.join(ROOT, 'lib', 'web');
const TO = path.join(ROOT, 'dist', 'web');
/** Bytes of the whole page as a browser fetches it. */
const MOST_BYTES = 80_000;

/** Resolves with the bytes that a browser fetches (brotli). The page must not grow beyond what is quick on a slow line. */
export async function buildWeb() {
  const { build } = await import('vite');
  await build({
    root: FROM,
    // Relative addresses: the server may mount the page anywhere.
    base: './',
    configFile: false,
    logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: TO,
      emptyOutDir: true,
      target: ['chrome123', 'firefox120', 'safari17.5'],
      // The content security policy allows no inline script and no data: address for one.
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
    },
  });
  const bytes = compress();
  if (bytes > MOST_BYTES) throw new StepError(`The page takes ${bytes} bytes compressed, more than the ${MOST_BYTES} that it may.`);
  return bytes;
}

function compress() {
  let sum = 0;
  for (const file of filesBelow(TO, '.')) {
    const whole = path.join(TO, file);
    const content = readFileSync(whole);
    const brotli = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } });
    writeFileSync(`${whole}.br`, brotli);
    writeFileSync(`${whole}.gz`, gzipSync(content, { level: 9 }));
    sum += brotli.length;
  }
  return sum;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const bytes = await buildWeb();
    console.log(`${path.relative(ROOT, TO)}: ${(bytes / 1000).toFixed(1)} kB compressed`);
  });
}
