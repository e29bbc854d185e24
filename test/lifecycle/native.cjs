/** What the scripts of this folder share: the raw addon, a device and models, and work that takes long. */
const { loader, addon, libraries, clip: clipFolder, caption: captionFolder } = JSON.parse(process.env.LIFECYCLE);

exports.openBinding = async () => {
  await require(loader).open(libraries);
  return require(addon);
};

exports.open = async () => {
  const binding = await exports.openBinding();
  const device = await binding.openDevice('cpu', { threads: 1 });
  const clip = await binding.openClipModel(device, clipFolder);
  const caption = await binding.openCaptionModel(device, captionFolder);
  const image = binding.copyImage(pixels);
  return { binding, device, clip, caption, image };
};

const pixels = { data: new Uint8Array(48 * 40 * 3).fill(120), width: 48, height: 40, channels: 3 };

/** Opens that are under way when this returns, on the device and beside it. */
exports.openAgain = (binding, device) => {
  for (let i = 0; i < 3; i += 1) {
    binding.openClipModel(device, clipFolder).catch(() => {});
    binding.openCaptionModel(device, captionFolder).catch(() => {});
    binding.openDevice('cpu', { threads: 1 }).catch(() => {});
    binding.runtimeInfo().catch(() => {});
  }
};

/** Many seconds on the device. */
exports.startLongWork = async ({ device, clip }, token) => {
  const [count, length] = [400_000, 12];
  const ids = Int32Array.from({ length: count * length }, (_, i) => 300 + ((Math.imul(i, 2_654_435_761) >>> 0) % 40_000));
  const offsets = Int32Array.from({ length: count + 1 }, (_, i) => i * length);
  const work = clip.textFeatures({ ids, offsets }, token, () => {});
  while (!device.stats().busy) await new Promise((resolve) => setTimeout(resolve, 1));
  return work;
};
