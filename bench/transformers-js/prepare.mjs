export async function openTransformersJs() {
  throw new Error('not yet');
}
