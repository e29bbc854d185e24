/** Pages of package indexes: what they list, and what they may not. */
import { parsePage } from '../../lib/wheels/page';

const JSON_TYPE = 'application/vnd.pypi.simple.v1+json';
const BASE = 'https://host/simple/torch/';
const HASH = 'A'.repeat(64);
const json = (files: unknown[], rest: object = {}): string => JSON.stringify({ files, ...rest });
const html = (body: string): string => `<!DOCTYPE html><html><head><title>Links</title></head><body>${body}</body></html>`;

test('JSON: names, absolute addresses, hashes in lower case', () => {
  const files = [
    { filename: 'a.whl', url: '../../files/a.whl', hashes: { sha256: HASH, md5: 'x' }, yanked: 'broken' },
    { url: 'https://files/b%2B1.whl?key=1#sha256=ignored', hashes: {} },
  ];
  expect(parsePage(json(files, { meta: { 'api-version': '1.4' } }), JSON_TYPE, BASE)).toEqual([
    { url: 'https://host/files/a.whl', fileName: 'a.whl', sha256: HASH.toLowerCase() },
    { url: 'https://files/b%2B1.whl?key=1', fileName: 'b+1.whl', sha256: 'ignored' },
  ]);
});

test('HTML: attributes in any form, fragments, entities, the base', () => {
  const body = `<!-- <a href="no.whl">no</a> --><A data-yanked HREF='a.whl#egg=a&amp;sha256=${HASH}'>another name</A>
    <a data-requires-python="&gt;=3.8" href=b.whl?x=1&amp;y=2>b</a><a name="no">no</a><a href="//other/c.whl#md5=x">c</a>`;
  expect(parsePage(html(`<base href="/mirror/">${body}`), 'text/html; charset=utf-8', BASE)).toEqual([
    { url: 'https://host/mirror/a.whl', fileName: 'a.whl', sha256: HASH.toLowerCase() },
    { url: 'https://host/mirror/b.whl?x=1&y=2', fileName: 'b.whl', sha256: null },
    { url: 'https://other/c.whl', fileName: 'c.whl', sha256: null },
  ]);
});

test('pages of the network lead to no file of this machine and to nothing that is not fetched', () => {
  const urls = ['file:///etc/passwd', 'javascript:alert(1)', 'ftp://host/a.whl', 'data:,x', 'http://[', 'https://host:99999/a.whl'];
  const body = urls.map((url) => `<a href="${url}">x</a>`).join('');
  expect(parsePage(html(body), 'text/html', BASE)).toEqual([]);
  expect(parsePage(html(`<base href="file:///etc/"><a href="passwd">x</a>${body}`), 'text/html', BASE)).toEqual([]);
  expect(parsePage(json(urls.map((url) => ({ url }))), JSON_TYPE, BASE)).toEqual([]);
  expect(parsePage(html('<a href="a.whl">a</a>'), 'text/html', 'file:///mirror/index.html')).toMatchObject([
    { url: 'file:///mirror/a.whl' },
  ]);
});

test('a name is what follows the last slash, whatever it hides', () => {
  expect(parsePage(html('<a href="..%2F..%2Fa.whl">x</a><a href="%zz.whl">y</a>'), 'text/html', BASE)).toMatchObject([
    { fileName: '../../a.whl' },
    { fileName: '%zz.whl' },
  ]);
});

test.each([
  ['<html>', JSON_TYPE, 'no JSON'],
  ['null', JSON_TYPE, 'no list of files'],
  ['[]', JSON_TYPE, 'no list of files'],
  ['{"files":{}}', JSON_TYPE, 'no list of files'],
  ['{"meta":{"api-version":"2.0"},"files":[]}', JSON_TYPE, 'another version'],
  ['', 'application/octet-stream', 'application/octet-stream'],
  ['', '', 'not a package index'],
])('%j as %s is refused', (content, type, reason) => {
  expect(() => parsePage(content, type, BASE)).toThrow(reason);
});

test('whatever a page holds, there are links or an error', () => {
  const values = [null, 1, 'x', [], {}, { url: 1 }, { url: 'a.whl', hashes: 'x', filename: {} }, { url: 'b.whl', hashes: { sha256: [] } }];
  for (const value of values) expect(() => parsePage(json([value]), JSON_TYPE, BASE)).not.toThrow();
  const pieces = ['<a ', 'href=', '"', "'", '>', '</a>', '<base ', '<!--', '-->', '&#', '<', '\0', 'x', '<script>'];
  let seed = 7;
  for (let round = 0; round < 500; round += 1) {
    const text = Array.from({ length: 40 }, () => {
      seed = (seed * 48271) % 2147483647;
      return pieces[seed % pieces.length];
    }).join('');
    for (const link of parsePage(text, 'text/html', BASE)) expect(new URL(link.url).protocol).toBe('https:');
  }
});

test.each(['<a "', '<a x="', '<a>', '<', '&', '<!--'])('a long page of %s is read in no time', (piece) => {
  const start = performance.now();
  try {
    parsePage(piece.repeat(1 << 18), 'text/html', BASE);
  } catch (error) {
    expect((error as Error).message).toContain('nested');
  }
  expect(performance.now() - start).toBeLessThan(5000);
});
