/**
 * 1,000 mixed calls on the sample bundle, good and bad, finished and aborted. Prints memory (bytes, after garbage
 * collections) every 50 calls as one line of JSON. Run with --expose-gc.
 */
const path = require('node:path');
const { mkdtempSync, readFileSync, readdirSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { Config, Interrogator, LabelTable } = require('../../dist');

const CALLS = Number(process.env.CALLS ?? 1000);
/** Bytes that each call leaks, to see that the test finds them. */
const LEAK = Number(process.env.LEAK ?? 0);
const leaked = [];
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

const MOST_ROUNDS = 25;
const STEADY_ROUNDS = 4;

/**
 * The least memory that the process comes down to. An aborted call's last step may still run, finalizers wait for their turn,
 * and on a busy machine both take longer: it is waited for as long as memory still falls. What is in use never goes.
 */
async function settledMemory(interrogator) {
  await interrogator.imageToFeatures(raw);
  let least;
  for (let round = 0, steady = 0; round < MOST_ROUNDS && steady < STEADY_ROUNDS; round += 1) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const now = memory();
    steady = least && now.anonymous >= least.anonymous ? steady + 1 : 0;
    if (!least || now.anonymous < least.anonymous) least = now;
  }
  return least;
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
    if (LEAK) leaked.push(Buffer.alloc(LEAK, i));
    if (i % SAMPLE_EVERY === 0) {
      samples.push(await settledMemory(interrogator));
    }
  }
  await interrogator.dispose();
  console.log(JSON.stringify(samples));
}

main();
