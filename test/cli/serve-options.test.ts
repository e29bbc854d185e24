import { Command } from 'commander';
import { serverOptions } from '../../lib/cli/serve/options';
import type { ServerOptions } from '../../lib/server';

/** What a command line, and the environment, come to. */
function parse(args: readonly string[], env: Record<string, string> = {}): ServerOptions {
  const kept = { ...process.env };
  Object.assign(process.env, env);
  try {
    const command = new Command().exitOverride().configureOutput({ writeErr: () => {} });
    const toSettings = serverOptions(command);
    command.parse(args, { from: 'user' });
    return toSettings(command.opts());
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, kept);
  }
}

test.each([
  [['--max-wait', '2.5'], { TI_MAX_WAIT: '2.5' }, { maxWait: 2.5 }],
  [['--max-body', '32mb'], { TI_MAX_BODY: '32mb' }, { maxBody: 32 << 20 }],
  [['--memory', '1.5GiB'], { TI_MEMORY: '1.5GiB' }, { memory: 1.5 * 2 ** 30 }],
  [['--clip', 'a/b', '--clip', 'c/d'], { TI_CLIP: 'a/b, c/d' }, { clip: ['a/b', 'c/d'] }],
  [['--allow-urls'], { TI_ALLOW_URLS: 'true' }, { allowUrls: true }],
  [['--no-page'], { TI_PAGE: 'false' }, { page: false }],
  [['--threads', '3'], { TI_THREADS: '3' }, { config: { threads: 3 } }],
])('%j and %j are the same', (args, env, settings) => {
  expect(parse(args)).toMatchObject(settings);
  expect(parse([], env)).toEqual(parse(args));
});

test('a switch that the environment turns off is off', () => {
  for (const text of ['false', '0', 'no', 'off']) expect(parse([], { TI_ALLOW_URLS: text }).allowUrls).toBe(false);
  expect(parse([], { TI_ALLOW_URLS: '' }).allowUrls).toBeUndefined();
  expect(() => parse([], { TI_ALLOW_URLS: 'perhaps' })).toThrow('TI_ALLOW_URLS');
});

test('a command line goes before the environment', () => {
  expect(parse(['--max-wait', '1'], { TI_MAX_WAIT: '2' }).maxWait).toBe(1);
  expect(parse(['--allow-urls'], { TI_ALLOW_URLS: 'false' }).allowUrls).toBe(true);
});

test.each([['--max-body', 'lots'], ['--max-wait', 'long'], ['--threads', '-1'], ['--image-precision']])('%s %s is refused', (...args) => {
  expect(() => parse(args)).toThrow();
});

test('without anything nothing is settled', () => {
  expect(parse([])).toEqual({ config: {} });
});
