import { isObjectStore, openStore, splitObject } from '../../../lib/fleet/store';

test.each([
  ['s3://bucket', true],
  ['S3://bucket/a', true],
  ['/data/s3://x', false],
  ['s3:/bucket', false],
  ['https://bucket.s3.amazonaws.com', false],
])('%s is a store of objects: %s', (location, is) => {
  expect(isObjectStore(location)).toBe(is);
});

test.each([
  ['s3://bucket/a/b.jsonl', 's3://bucket/a', 'b.jsonl'],
  ['s3://bucket/b.jsonl', 's3://bucket', 'b.jsonl'],
  ['s3://bucket/a b/ü 100%.csv', 's3://bucket/a b', 'ü 100%.csv'],
  ['/data/out/b.jsonl', '/data/out', 'b.jsonl'],
  ['/b.jsonl', '/', 'b.jsonl'],
  ['/data/../out/./b.jsonl', '/out', 'b.jsonl'],
])('%s is an object in its folder', async (whole, location, name) => {
  expect(splitObject(whole)).toEqual({ location, name });
  const store = await openStore(location);
  expect(store.location).toBe(location);
  store.close();
});

test.each([
  's3://bucket',
  's3://bucket/',
  's3://',
  's3:///b',
  's3://bucket/a/',
  's3://bucket/a//b',
  's3://bucket/../b',
  'b.jsonl',
  '/',
  '',
])('%j is no object', (whole) => {
  expect(() => splitObject(whole)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
});

test.each(['s3://', 's3:///a', 's3://b', 's3://-bucket', 's3://bucket/a//b', 's3://bucket/../a', 's3://bucket?x=1'])(
  '%j is no bucket',
  async (location) => {
    await expect(openStore(location)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  },
);

test('keys that people write into an address are not told', async () => {
  const wrong = openStore('s3://AKIAME:qZ9secret@bucket/a');
  await expect(wrong).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT', message: expect.not.stringContaining('qZ9') });
});
