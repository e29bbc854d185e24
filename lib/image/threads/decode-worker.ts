/** A decode thread. It has one image at a time: it reads its file and its header, waits until there is room for the pixels, and decodes it. */
import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { MessageChannel, parentPort, workerData } from 'node:worker_threads';
import { toInterrogatorError } from '../../errors';
import { sharpSettings } from '../decoders/sharp';
import { keepUndisturbed } from '../decoders/undisturbed';
import type { RgbImage } from '../failure';
import { readPath } from '../inputs/file';
import { Gate } from './gate';
import { type DecodeMessage, type DecodeReply, type DecodeTask, type PixelTarget, send } from './messages';
import { type OpenedImage, openImage } from './opened-image';

/** What is used of the addon here. */
interface Addon {
  /** Copies the pixels to the image of that number, and takes them away from their array. */
  fillImage(number: number, image: RgbImage): void;
}

// Some decoders print as they like, and nobody reads it.
// What is not written cannot pile up: the other side does not read these streams, since that would keep its process alive.
process.stdout.write = process.stderr.write = () => true;
globalThis.console = new Console(new Writable({ write: (_chunk, _encoding, done) => done() }));

const gate = new Gate((workerData as { gate: Int32Array }).gate);
keepUndisturbed((work) => gate.pass(work));

/** Smaller ones may share a buffer with others. */
const LARGE = 64 << 10;

let bytes: Buffer | undefined;
let opened: OpenedImage | undefined;
let target: PixelTarget | undefined;
let reading = new AbortController();

async function perform(task: Exclude<DecodeTask, 'close'>): Promise<DecodeReply> {
  if (task === 'load sharp') return { settings: sharpSettings() };
  if (task !== 'decode') {
    const { file } = task.open;
    target = task.open.target;
    reading = new AbortController();
    bytes = typeof file === 'string' ? await readPath(file, reading.signal) : Buffer.from(file.buffer, file.byteOffset, file.byteLength);
    opened = await openImage(task.open, bytes);
    return opened.reply;
  }
  const { data, ...size } = await (opened as OpenedImage).decode(() => tell('own'));
  // Memory of sharp's cannot be handed over.
  if (!target) return { ...size, data: new Uint8Array(data) };
  (require(target.addon) as Addon).fillImage(target.number, { width: size.width, height: size.height, data });
  return { ...size, data: new Uint8Array(0) };
}

/** Large memory does not wait for a garbage collection, which may be long in coming where a thread idles. */
function close(): void {
  reading.abort();
  const buffer = bytes?.buffer as ArrayBuffer | undefined;
  const isLarge = bytes && bytes.length >= LARGE && bytes.length === buffer?.byteLength;
  bytes = opened = undefined;
  if (!isLarge || !buffer) return;
  const { port1: from, port2: to } = new MessageChannel();
  from.postMessage(null, [buffer]);
  // What nobody can receive any more is freed.
  to.close();
}

function tell(message: DecodeMessage, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on('message', async (task: DecodeTask) => {
  if (task === 'close') return close();
  try {
    const reply = await perform(task);
    if ('data' in reply) close();
    tell(reply, 'data' in reply ? [reply.data.buffer as ArrayBuffer] : []);
  } catch (error) {
    close();
    tell({ error: send(toInterrogatorError(error)) });
  }
});
