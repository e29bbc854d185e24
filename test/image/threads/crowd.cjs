/**
 * Many callers with one image each, in a process of its own: node crowd.cjs CALLERS FILE. Something slower than the decoders looks at
 * one image at a time, as a model does. Prints as JSON how far memory grew at most, in bytes.
 */
const { readFileSync } = require('node:fs');
const { setTimeout } = require('node:timers/promises');
const { decodeImage } = require('../../../dist/image');
const { loadNative } = require('../../../dist/native/load');

const [callers, file] = process.argv.slice(2);

function memory(field) {
  const status = readFileSync('/proc/self/status', 'latin1');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
}

let model = Promise.resolve();

async function look(input) {
  const binding = await loadNative();
  const image = binding.expectImage();
  const decoded = await decodeImage(input, {}, { addon: binding.file, number: image.number });
  model = model.then(() => setTimeout(150));
  await model;
  image.close();
  decoded.release();
}

async function main() {
  // What is loaded once is not counted.
  await look(file);
  global.gc();
  const before = memory('VmRSS');
  await Promise.all(Array.from({ length: Number(callers) }, () => look(file)));
  process.stdout.write(JSON.stringify(memory('VmHWM') - before));
}

void main();
