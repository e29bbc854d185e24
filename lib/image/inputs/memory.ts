/** Callers' own memory. It is copied when a call starts; calls that wait with the same bytes share one copy. */
import { types } from 'node:util';

interface Copy {
  bytes: Buffer;
  /** Calls that have not read it yet. */
  readers: number;
}

const waiting = new WeakMap<ArrayBufferLike, WeakRef<Copy>>();

/** The bytes in whatever view; undefined for what holds none. Memory that was handed to another thread has no length any more. */
export function viewOf(input: unknown): Uint8Array | undefined {
  if (types.isAnyArrayBuffer(input)) return input.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(input as ArrayBuffer);
  if (!types.isUint8Array(input) && !types.isUint8ClampedArray(input) && !types.isDataView(input)) return undefined;
  return input.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
}

/** In memory of its own whole, so that it can be handed to a thread. */
export function copyOf(view: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(view.length);
  copy.set(view);
  return copy;
}

/** Copies now. The function that is returned gives the bytes, to be called once; what it gives is the reader's alone. */
export function takeCopy(view: Uint8Array): () => Buffer {
  const known = waiting.get(view.buffer)?.deref();
  const copy = known && known.readers > 0 && known.bytes.equals(view) ? known : { bytes: copyOf(view), readers: 0 };
  if (copy !== known) waiting.set(view.buffer, new WeakRef(copy));
  copy.readers += 1;
  return () => {
    copy.readers -= 1;
    return copy.readers > 0 ? copyOf(copy.bytes) : copy.bytes;
  };
}
