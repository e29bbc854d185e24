/** The folder of a file whose name need not be UTF-8. */
export function parentOf(file: Buffer): Buffer {
  const slash = file.lastIndexOf('/');
  return slash < 0 ? Buffer.from('.') : file.subarray(0, Math.max(1, slash));
}
