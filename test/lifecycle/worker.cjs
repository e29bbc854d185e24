/** A worker_thread with its own addon, device and models: says 'ready', then answers or works until it is ended. */
const { parentPort, workerData } = require('node:worker_threads');
const { open, openAgain, startLongWork } = require('./native.cjs');

async function main() {
  const handles = await open();
  if (workerData.work === 'opening') {
    openAgain(handles.binding, handles.device);
    for (let i = 0; i < 30; i += 1) {
      const image = handles.binding.expectImage();
      handles.binding.fillImage(image.number, { data: new Uint8Array(40 * 30 * 3), width: 40, height: 30 });
      handles.clip.imageFeatures(image).catch(() => {});
    }
    parentPort.postMessage('ready');
    return;
  }
  if (workerData.work === 'endless') {
    startLongWork(handles).catch(() => {});
    while (!handles.device.stats().busy) await new Promise((resolve) => setTimeout(resolve, 1));
    parentPort.postMessage('ready');
    return;
  }
  for (let i = 0; i < 20; i += 1) {
    const features = await handles.clip.imageFeatures(handles.image);
    const ids = await handles.caption.generate(handles.image, { maxTokens: 4 });
    if (i === 19) parentPort.postMessage({ features: await features.toArray(), ids });
  }
  if (workerData.close) await handles.device.close();
  if (workerData.exit) process.exit(0);
}

main();
