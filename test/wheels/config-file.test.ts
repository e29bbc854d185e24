/** pip's configuration files, read as Python's configparser reads them. */
import { execFileSync } from 'node:child_process';
import { pythonCommand } from '../../lib/setup/libtorch/locate';
import { parseConfigFile } from '../../lib/wheels/config-file';

const plain = (text: string): unknown =>
  Object.fromEntries([...parseConfigFile(text)].map(([name, values]) => [name, Object.fromEntries(values)]));

test('values go on in lines that are further in', () => {
  const text =
    '[global]\nextra-index-url =\n    https://a/simple\n\n    # not this one\n    https://b/simple\nNo_Index: true\n; nor this\n[install]\n';
  expect(plain(text)).toEqual({
    global: { 'extra-index-url': '\nhttps://a/simple\n\nhttps://b/simple', no_index: 'true' },
    install: {},
  });
});

test('only the first separator separates', () => {
  expect(plain('[global]\nindex-url = https://name:pass=word@host/simple')).toEqual({
    global: { 'index-url': 'https://name:pass=word@host/simple' },
  });
});

test.each(['index-url = https://a', '[global]\nindex-url', '[global]\n= value'])('%j is told by its line', (text) => {
  expect(() => parseConfigFile(text)).toThrow(/line [12] is neither/);
});

test('any file gives what configparser gives', () => {
  const pieces = [
    '[global]',
    '[install]',
    '[DEFAULT]',
    '[a b]x',
    'index-url',
    'INDEX_URL',
    ' = ',
    ': ',
    '=',
    'https://h/p',
    '  ',
    '\t',
    '#',
    ';',
    'x y',
  ];
  let seed = 1;
  const pick = (count: number): number => {
    seed = (seed * 48271) % 2147483647;
    return seed % count;
  };
  const texts = Array.from({ length: 2000 }, () => {
    const lines = Array.from({ length: 1 + pick(9) }, () => Array.from({ length: pick(5) }, () => pieces[pick(pieces.length)]).join(''));
    return ['[global]', ...lines].join('\n');
  });
  const code = `
import configparser, json, sys
answers = []
for text in json.load(sys.stdin):
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        answers.append({name: dict(parser.items(name)) for name in parser.sections()})
    except configparser.Error:
        answers.append(None)
print(json.dumps(answers))`;
  const answers = JSON.parse(execFileSync(pythonCommand(), ['-c', code], { input: JSON.stringify(texts), encoding: 'utf8' }));
  const ours = texts.map((text) => {
    try {
      return plain(text);
    } catch {
      return null;
    }
  });
  expect(ours).toEqual(answers);
  expect(answers.filter(Boolean).length).toBeGreaterThan(200);
});
