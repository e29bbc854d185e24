/** Files of weights put together by hand, so that a case can have anything in any place of them. */

export interface Tensor {
  shape: readonly number[];
  data: Float32Array;
}
export type Tensors = Record<string, Tensor>;

const bytesOf = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

function uint(value: number, width: 1 | 2 | 4 | 8): Buffer {
  const bytes = Buffer.alloc(width);
  if (width === 8) bytes.writeBigUInt64LE(BigInt(value));
  else bytes.writeUIntLE(value, 0, width);
  return bytes;
}

/** A size, a JSON header, data: safetensors, and a graph file too. */
export function withHeader(header: unknown, ...data: readonly Buffer[]): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  return Buffer.concat([uint(padded.length, 8), padded, ...data]);
}

export interface SafetensorsEntry {
  dtype: string;
  shape: readonly number[];
  data_offsets: [number, number];
}

export function safetensorsHeader(tensors: Tensors): Record<string, SafetensorsEntry> {
  const header: Record<string, SafetensorsEntry> = {};
  let end = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [end, end + tensor.data.byteLength] };
    end += tensor.data.byteLength;
  }
  return header;
}

export function safetensors(tensors: Tensors, header: unknown = safetensorsHeader(tensors)): Buffer {
  return withHeader(header, ...Object.values(tensors).map(bytesOf));
}

/** Entries stored as they are, each after its local header, then the directory. */
export function zip(entries: Record<string, Buffer>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(entries)) {
    const common = [
      uint(0, 2),
      uint(0, 2),
      uint(0, 4),
      uint(0, 4),
      uint(bytes.length, 4),
      uint(bytes.length, 4),
      uint(name.length, 2),
      uint(0, 2),
    ];
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), uint(20, 2), ...common, Buffer.from(name)]);
    directory.push(Buffer.from('PK\x01\x02'), uint(20, 2), uint(20, 2), ...common, Buffer.alloc(10), uint(offset, 4), Buffer.from(name));
    parts.push(local, bytes);
    offset += local.length + bytes.length;
  }
  const entry = Buffer.concat(directory);
  const count = uint(Object.keys(entries).length, 2);
  const end = [Buffer.from('PK\x05\x06'), Buffer.alloc(4), count, count, uint(entry.length, 4), uint(offset, 4), uint(0, 2)];
  return Buffer.concat([...parts, entry, ...end]);
}

/** Opcodes as they are: of a text each letter is a byte. */
export const raw = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));

export const uint32 = (value: number): Buffer => uint(value, 4);

/** Opcodes of protocol 2, by what they make. */
export const pickle = {
  text: (value: string): Buffer => Buffer.concat([Buffer.from('X'), uint(Buffer.byteLength(value), 4), Buffer.from(value)]),
  integer: (value: number): Buffer => {
    if (value >= 0 && value < 256) return Buffer.concat([Buffer.from('K'), uint(value, 1)]);
    const bytes = Buffer.alloc(10);
    bytes.writeUInt16LE(0x088a);
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  },
  global: (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`),
  tuple: (...values: readonly Buffer[]): Buffer => Buffer.concat([Buffer.from('('), ...values, Buffer.from('t')]),
  call: (callee: Buffer, ...values: readonly Buffer[]): Buffer => Buffer.concat([callee, pickle.tuple(...values), Buffer.from('R')]),
  dict: (entries: readonly (readonly [Buffer, Buffer])[]): Buffer =>
    Buffer.concat([Buffer.from('}('), ...entries.flat(), Buffer.from('u')]),
  whole: (value: Buffer): Buffer => Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]),
};

/** How a pickle describes a tensor over the storage `key`. */
export function pickledTensor(
  key: string,
  { shape, strides, offset = 0, elements }: { shape: readonly number[]; strides: readonly number[]; offset?: number; elements: number },
): Buffer {
  const id = pickle.tuple(
    ...[pickle.text('storage'), pickle.global('torch', 'FloatStorage'), pickle.text(key), pickle.text('cpu'), pickle.integer(elements)],
  );
  const integers = (values: readonly number[]): Buffer => pickle.tuple(...values.map(pickle.integer));
  return pickle.call(
    pickle.global('torch._utils', '_rebuild_tensor_v2'),
    ...[Buffer.concat([id, Buffer.from('Q')]), pickle.integer(offset), integers(shape), integers(strides), Buffer.from([0x89])],
    pickle.call(pickle.global('collections', 'OrderedDict')),
  );
}

export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, side) => product * side, 1));
}

export function pickledState(tensors: Tensors): Buffer {
  const entries = Object.entries(tensors).map(
    ([name, { shape, data }], i) =>
      [pickle.text(name), pickledTensor(String(i), { shape, strides: stridesOf(shape), elements: data.length })] as const,
  );
  return pickle.whole(pickle.dict(entries));
}

/** What torch.save writes of a state dict; `pickled`: another data.pkl in its place; `code`: as torch.jit.save does, with classes. */
export function checkpoint(
  tensors: Tensors,
  pickled = pickledState(tensors),
  { folder = 'archive', code = false }: { folder?: string; code?: boolean } = {},
): Buffer {
  const data = Object.values(tensors).map((tensor, i) => [`${folder}/data/${i}`, bytesOf(tensor)] as const);
  const entries: [string, Buffer][] = [
    [`${folder}/data.pkl`, pickled],
    [`${folder}/byteorder`, Buffer.from('little')],
    ...data.map(([name, bytes]): [string, Buffer] => [name, bytes]),
    [`${folder}/version`, Buffer.from('3\n')],
  ];
  if (code) entries.push([`${folder}/code/__torch__.py`, Buffer.alloc(0)]);
  return zip(Object.fromEntries(entries));
}
