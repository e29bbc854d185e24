/** The parts as they come; after each, `tell` is told the bytes so far. */
export async function* counted(parts: AsyncIterable<Buffer>, tell: (done: number) => void): AsyncGenerator<Buffer> {
  let done = 0;
  for await (const part of parts) {
    done += part.length;
    tell(done);
    yield part;
  }
}
