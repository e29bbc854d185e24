/** Numbers as OpenAI's clients read them: Base64 of little-endian float32. */
export function base64Of(row: Float32Array): string {
  return Buffer.from(row.buffer, row.byteOffset, row.byteLength).toString('base64');
}
