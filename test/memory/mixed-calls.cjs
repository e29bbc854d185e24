/**
 * 1,000 mixed calls on the sample bundle, good and bad, finished and aborted. Prints memory (bytes, after a garbage
 * collection) every 50 calls as one line of JSON. Run with --expose-gc.
 */
const path = require('node:path');
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { Config, Interrogator, LabelTable } = require('../../dist');

const CALLS = 1000;
const SAMPLE_EVERY = 50;
const IMAGES = path.join(__dirname, '..', '..', 'models', 'sample', 'images');
const images = readdirSync(IMAGES)
  .filter((name) => name.endsWith('.png'))
  .map((name) => path.join(IMAGES, name));
const encoded = images.map((image) => readFileSync(image));
const raw = { data: new Uint8Array(40 * 30 * 3).fill(90), width: 40, height: 30, channels: 3 };

function calls(interrogator) {
  const image = (i) => [images[i % images.length], encoded[i % encoded.length], raw][i % 3];
  return [
    (i) => interrogator.interrogateFast(image(i)),
    (i) => interrogator.interrogateClassic(image(i)),
    (i) => interrogator.generateCaption(image(i)),
    (i) => interrogator.interrogate(image(i), { minFlavors: 1, maxFlavors: 2 }),
    (i) => interrogator.interrogateNegative(image(i), { maxFlavors: 2 }),
    async (i) => interrogator.similarity(await interrogator.imageToFeatures(image(i)), `image number ${i}`),
    async (i) => (await interrogator.textToFeatures([`one ${i}`, 'two', 'three'.repeat(i % 40)])).toArray(),
    async (i) => {
      const table = await LabelTable.create(['a cat', 'a dog', `thing ${i}`], `table-${i % 9}`, interrogator);
      return table.rankScored(await interrogator.imageToFeatures(image(i)), { topCount: 2 });
    },
    (i) => expectFailure('ERR_IMAGE_FORMAT', interrogator.interrogateFast(Buffer.from(`not an image ${i}`))),
    (i) => expectFailure('ERR_IMAGE_TRUNCATED', interrogator.interrogateFast(encoded[i % encoded.length].subarray(0, 2000))),
    (i) => {
      const signal = AbortSignal.timeout(i % 7);
      return interrogator.interrogate(image(i), { signal }).catch((error) => {
        if (error.code !== 'ERR_ABORTED') throw error;
      });
    },
  ];
}

async function expectFailure(code, promise) {
  const outcome = await promise.then(
    () => 'nothing',
    (error) => error.code,
  );
  if (outcome !== code) throw new Error(`expected ${code}, got ${outcome}`);
}

/**
 * `anonymous` is the part that this process alone can give back: the pages of mapped libraries and weights come and go
 * as the system likes, and are in `resident` too. A mapping that is never closed shows in `mappings`.
 */
function memory() {
  const resident = process.memoryUsage.rss();
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  const kilobytes = /^RssAnon:\s+(\d+) kB/m.exec(status)?.[1];
  const mappings = process.platform === 'linux' ? readFileSync('/proc/self/maps', 'utf8').split('\n').length : 0;
  return { resident, anonymous: kilobytes ? Number(kilobytes) * 1024 : resident, mappings };
}

/** An aborted call's last step may still run, and what is collected goes back only when its finalizer has had its turn. */
async function settle(interrogator) {
  await interrogator.imageToFeatures(raw);
  for (let round = 0; round < 3; round += 1) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function main() {
  const cachePath = mkdtempSync(path.join(tmpdir(), 'mixed-calls-'));
  process.on('exit', () => rmSync(cachePath, { recursive: true, force: true }));
  const interrogator = await Interrogator.create(
    new Config({ clipModelName: 'sample', captionModelName: 'sample', device: 'cpu', quiet: true, cachePath }),
  );
  const mix = calls(interrogator);
  const samples = [];
  for (let i = 1; i <= CALLS; i += 1) {
    await mix[i % mix.length](i);
    if (i % SAMPLE_EVERY === 0) {
      await settle(interrogator);
      samples.push(memory());
    }
  }
  await interrogator.dispose();
  console.log(JSON.stringify(samples));
}

main();
