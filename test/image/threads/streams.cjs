/**
 * Many callers with a stream or a `data:` URL each, in a process of its own: node streams.cjs KIND CALLERS MIB STUCK. So many streams
 * more are stuck half way. Prints as JSON how far memory grew at most, in bytes.
 */
const { readFileSync } = require('node:fs');
const { setImmediate } = require('node:timers/promises');
const { decodeImage } = require('../../../dist/image');

const [kind, callers, mebibytes, stuck] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const SIDE = 16;
const HEAD = Buffer.alloc(54 + 3 * SIDE * SIDE);
HEAD.write('BM', 'latin1');
HEAD.writeUInt32LE(HEAD.length, 2);
HEAD.writeUInt32LE(54, 10);
HEAD.writeUInt32LE(40, 14);
HEAD.writeInt32LE(SIDE, 18);
HEAD.writeInt32LE(SIDE, 22);
HEAD.writeUInt16LE(1, 26);
HEAD.writeUInt16LE(24, 28);

function memory(field) {
  const status = readFileSync('/proc/self/status', 'latin1');
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
}

/** A small BMP, and much behind it that no decoder reads. */
async function* parts(length, isStuck) {
  yield HEAD;
  for (let at = 0; at < length; at += 1 << 16) {
    if (isStuck && at > length / 2) await new Promise(() => {});
    yield Buffer.alloc(1 << 16, 1);
    await setImmediate();
  }
}

function input(length, isStuck) {
  const stream = parts(length, isStuck);
  return kind === 'response' ? new Response(ReadableStream.from(stream)) : stream;
}

async function look(length) {
  const image = await decodeImage(input(length, false));
  image.release();
}

async function main() {
  await look(0);
  global.gc();
  const before = memory('VmRSS');
  for (let i = 0; i < stuck; i++) void decodeImage(input(mebibytes << 20, true));
  await Promise.all(Array.from({ length: callers }, () => look(mebibytes << 20)));
  process.stdout.write(JSON.stringify(memory('VmHWM') - before), () => process.exit());
}

void main();
