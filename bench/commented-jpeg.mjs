/** Pictures that differ in their bytes and not in their pixels: a run over copies of the same bytes would compute them once. */

/** The JPEG with a comment behind its first marker. */
export function withComment(jpeg, comment) {
  const segment = Buffer.alloc(4 + comment.length);
  segment.writeUInt16BE(0xfffe, 0);
  segment.writeUInt16BE(2 + comment.length, 2);
  segment.write(comment, 4, 'latin1');
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}
