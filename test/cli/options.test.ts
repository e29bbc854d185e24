/** Every setting of Config is an option, with the schema's own default and range. Held on each setting that the schema has. */
import { Command } from 'commander';
import { addFeaturesCommand } from '../../lib/cli/commands/features';
import { addRankCommand } from '../../lib/cli/commands/rank';
import { addModelOptions, isOfCaptions, type ModelOptions, toConfig } from '../../lib/cli/options';
import { Config, type ConfigInput, type ConfigValues } from '../../lib/index';

interface Setting {
  type?: string;
  anyOf?: { type?: string; const?: string }[];
  default: unknown;
  minimum: number;
  maximum: number;
}

const SHORT: Record<string, string> = { clipModelName: 'clip', captionModelName: 'caption', dataPath: 'data', cachePath: 'cache' };
const SETTINGS = Object.entries(Config.schema.properties) as unknown as [keyof ConfigValues, Setting][];
const kebab = (name: string) => (SHORT[name] ?? name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const of = (accepts: (setting: Setting) => unknown) => SETTINGS.filter(([, setting]) => accepts(setting));
const nullable = ({ anyOf }: Setting) => anyOf?.some(({ type }) => type === 'null');
const choicesOf = ({ anyOf }: Setting) => anyOf?.flatMap((each) => each.const ?? []) ?? [];

function configOf(args: string[], defaults?: ConfigInput): Config {
  const command = addModelOptions(new Command().exitOverride().configureOutput({ writeErr: () => {} }), { defaults });
  command.parse(args, { from: 'user' });
  return toConfig(command.opts<ModelOptions>(), { caption: true });
}

test('a command line without options is the default config', () => {
  expect({ ...configOf([]) }).toEqual({ ...new Config() });
});

test("a command's own defaults count where no option is given", () => {
  expect(configOf([], { ranking: 'global' }).ranking).toBe('global');
  expect(configOf(['--ranking', 'quota'], { ranking: 'global' }).ranking).toBe('quota');
});

test.each(of(({ type }) => type === 'integer'))('%s: its whole range, and nothing beyond', (name, { minimum, maximum }) => {
  for (const value of [minimum, minimum + 1, Math.floor((minimum + maximum) / 2), maximum]) {
    expect(configOf([`--${kebab(name)}`, String(value)])[name]).toBe(value);
  }
  for (const value of [minimum - 1, maximum + 1, '1.5', '', 'many', '1e3']) {
    expect(() => configOf([`--${kebab(name)}`, String(value)])).toThrow(`a whole number from ${minimum} to ${maximum}`);
  }
});

test.each(of(({ type }) => type === 'number'))('%s: a number, whole or not, within its range', (name, { maximum }) => {
  for (const value of ['1', '1.25', '.5', '1e-3', String(maximum)]) {
    expect(configOf([`--${kebab(name)}`, value])[name]).toBe(Number(value));
  }
  for (const value of ['', 'many', '-1', '1.2.3', 'NaN', 'Infinity']) {
    expect(() => configOf([`--${kebab(name)}`, value])).toThrow('a number above 0');
  }
  for (const value of ['0', String(maximum + 1)]) expect(() => configOf([`--${kebab(name)}`, value])).toThrow(/ERR_CONFIG|above 0/);
});

test.each(of(({ type }) => type === 'boolean'))('%s: a flag for what is not the default', (name, setting) => {
  expect(configOf([`--${setting.default ? 'no-' : ''}${kebab(name)}`])[name]).toBe(!setting.default);
});

test.each(of((setting) => choicesOf(setting).length > 0))('%s: each choice, and no other word', (name, setting) => {
  for (const choice of choicesOf(setting)) expect(configOf([`--${kebab(name)}`, choice])[name]).toBe(choice);
  expect(() => configOf([`--${kebab(name)}`, 'other'])).toThrow(/Allowed choices/);
});

test.each(of((setting) => nullable(setting)))('%s: a text, or none', (name, setting) => {
  const text = name === 'background' ? '#0af' : './some/folder';
  expect(configOf([`--${kebab(name)}`, text])[name]).toBe(text);
  expect(configOf([`--${kebab(name)}`, 'none'])[name]).toBe(null);
  if (setting.default !== null) expect(configOf([`--no-${kebab(name)}`])[name]).toBe(null);
});

test('no option of features is taken for a text or an image', () => {
  const program = new Command();
  addFeaturesCommand(program);
  const [command] = program.commands as [Command];
  command.exitOverride().configureOutput({ writeErr: () => {} });
  for (const list of ['--text', '--image']) {
    for (const { long } of command.options) {
      const parse = () => command.parseOptions([list, long as string, 'a cat']);
      expect(parse).toThrow('A value is missing');
    }
  }
});

test.each([addRankCommand, addFeaturesCommand])('settings of captions are not in the help of commands without captions', (add) => {
  const program = new Command();
  add(program);
  const help = (program.commands[0] as Command).helpInformation();
  expect(help).toContain('--clip');
  for (const [name] of SETTINGS.filter(([each]) => isOfCaptions(each))) expect(help).not.toContain(`--${kebab(name)} `);
});

test.each(['', 'a photo', '{ }'])('%j is no template', (text) => {
  const program = new Command();
  addRankCommand(program);
  const [command] = program.commands as [Command];
  command.exitOverride().configureOutput({ writeErr: () => {} });
  expect(() => command.parseOptions(['--template', text])).toThrow('expected a text with {}');
});
