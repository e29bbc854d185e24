/** Work counted in what is read of a buffer: the same on a machine at rest and on one under load. */

/** A native walk over a part costs less than one by steps. */
const NATIVE_BYTES = 16;

/** The bytes looked at in `work`, which is given `bytes` in a form that counts; a part taken of them counts one for every 16 bytes. */
export function readsOf(bytes: Buffer, work: (counted: Buffer) => void): number {
  let reads = 0;
  const counted: Buffer = new Proxy(bytes, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) {
        reads++;
        return target[Number(key)];
      }
      if (key === 'toString' || key === 'subarray') {
        return (...given: never[]) => {
          const part = (target[key] as (...given: never[]) => string | Buffer)(...given);
          reads += part.length / NATIVE_BYTES;
          return part;
        };
      }
      // What reads numbers of several bytes reads them through the counted bytes.
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(counted) : value;
    },
  });
  work(counted);
  return reads;
}
