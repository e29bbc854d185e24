/** ending.cjs ENDING [busy]: a process that uses the addon and ends in one way, `busy` while a call runs and others wait. */
const { open, openAgain, startLongWork } = require('./native.cjs');

const [ending, busy] = process.argv.slice(2);

async function main() {
  const handles = await open();
  const { binding, device, clip, caption, image } = handles;
  const features = await clip.imageFeatures(image);
  await caption.generate(image, { maxTokens: 3 });
  clip.tree({ ids: Int32Array.of(320), offsets: Int32Array.of(0, 1) });
  const token = binding.createCancelToken();
  // Nobody closes this one.
  const held = binding.expectImage();
  binding.fillImage(held.number, { data: new Uint8Array(90 * 70 * 3), width: 90, height: 70 });
  await clip.imageFeatures(held);
  if (busy) {
    startLongWork(handles, token).catch((error) => console.log('long work:', error.code));
    while (!device.stats().busy) await new Promise((resolve) => setTimeout(resolve, 1));
    features.toArray().catch((error) => console.log('queued:', error.code));
    // What waits holds memory of this thread's, and of ours.
    for (const each of [held, image]) {
      clip.imageFeatures(each).catch(() => {});
      caption.generate(each, { maxTokens: 9 }).catch(() => {});
      each.close();
    }
    binding.runtimeInfo();
  }
  console.log('ready');
  await endings[ending](handles, token);
}

const endings = {
  async closed({ device, clip, caption }, token) {
    token.cancel();
    await Promise.all([clip.close(), caption.close(), device.close()]);
  },
  async undisposed(_, token) {
    // What runs keeps the process alive, so that it need not be waited for in each script; here it must end some time.
    setTimeout(() => token.cancel(), 300);
  },
  async exit() {
    process.exit(7);
  },
  async exitLater() {
    setTimeout(() => process.exit(7), 50);
  },
  async throw() {
    setImmediate(() => {
      throw new Error('on purpose');
    });
  },
  async callsWhileExiting({ clip, image }) {
    process.on('exit', () => {
      clip.imageFeatures(image).catch(() => {});
      clip.close();
      process.exitCode = 9;
    });
    process.exit();
  },
  async exitInAnswer({ clip, binding }) {
    const image = binding.copyImage({ data: new Uint8Array(30 * 30 * 3), width: 30, height: 30, channels: 3 });
    clip.imageFeatures(image).then(() => process.exit(7));
    clip.imageFeatures(image).then((features) => features.toArray());
  },
  async exitDuringOpening({ binding, device }) {
    openAgain(binding, device);
    setImmediate(() => process.exit(7));
  },
  async exitInGetter({ binding }) {
    binding.copyImage({
      width: 2,
      height: 2,
      channels: 3,
      get data() {
        return process.exit(7);
      },
    });
  },
  async unhandled({ clip }) {
    clip.imageFeatures('no image');
  },
  async exitInProgress({ clip }) {
    const [count, length] = [2_000, 12];
    const ids = new Int32Array(count * length).map((_, i) => 300 + (i % 40_000));
    const offsets = new Int32Array(count + 1).map((_, i) => i * length);
    clip.textFeatures({ ids, offsets }, undefined, () => process.exit(7)).catch(() => {});
  },
};

main();
