/** The options of commands that run a model: one for each setting of Config, with its meaning, default and range. */
import type { TSchema } from '@sinclair/typebox';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Config, type ConfigInput, type ConfigValues } from '../index';

export interface ModelOptions {
  json?: boolean;
  [setting: string]: unknown;
}

/** What people type most is shorter than the setting's name. */
const SHORT: Partial<Record<keyof ConfigValues, string>> = {
  clipModelName: 'clip',
  captionModelName: 'caption',
  dataPath: 'data',
  cachePath: 'cache',
};

/** Other names of options, as the exporter has them. */
const ALIASES: Partial<Record<keyof ConfigValues, string>> = { dataPath: '--vocabulary' };

/** Each setting's JSON Schema, which its option is made of. */
const SETTINGS = Object.entries<TSchema>(Config.schema.properties) as [keyof ConfigValues, TSchema][];

/** Parses an option's value as a whole number from `minimum` to `maximum`. */
export function wholeNumber(minimum: number, maximum = 2 ** 31 - 1): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`expected a whole number from ${minimum} to ${maximum}.`);
  };
}

/** Parses an option's value as a number; its range is the setting's to check. */
function decimalNumber(expected: string): (text: string) => number {
  return (text) => {
    if (/^\d*\.?\d+(e[+-]?\d+)?$/i.test(text)) return Number(text);
    throw new InvalidArgumentError(`expected ${expected}.`);
  };
}

/** Whether a setting is of captions alone. */
export function isOfCaptions(setting: string): boolean {
  return /^(caption|numBeams|minLength|repetitionPenalty|noRepeatNgramSize)/.test(setting);
}

/** Adds an option for each setting, and --json. Those for which `hide` is true are taken and do nothing; `defaults` are this command's. */
export function addModelOptions(
  command: Command,
  { hide = () => false, defaults = {} }: { hide?(setting: string): boolean; defaults?: ConfigInput } = {},
): Command {
  for (const [name, schema] of SETTINGS) {
    const initial = defaults[name] === undefined ? schema.default : defaults[name];
    for (const option of optionsOf(name, { ...schema, default: initial })) command.addOption(option.hideHelp(hide(name)));
  }
  return command.option('--json', 'print JSON: an object a line');
}

/** `caption: false` loads no caption model, whichever is named. */
export function toConfig(options: ModelOptions, { caption }: { caption: boolean }): Config {
  const given = SETTINGS.map(([name, schema]) => [name, settingOf(schema, options[attributeOf(name)])]);
  return new Config({ ...Object.fromEntries(given), ...(!caption && { captionModelName: null }) });
}

function settingOf(schema: TSchema, value: unknown): unknown {
  return isNullable(schema) && (value === 'none' || value === false) ? null : value;
}

function attributeOf(name: keyof ConfigValues): string {
  return SHORT[name] ?? name;
}

/** `--caption-max-length` of captionMaxLength. */
function longName(name: keyof ConfigValues, prefix = '--'): string {
  return prefix + attributeOf(name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function optionsOf(name: keyof ConfigValues, schema: TSchema): Option[] {
  const description = describe(schema.description ?? '');
  if (schema.type === 'boolean') {
    return [schema.default ? new Option(longName(name, '--no-'), `do not ${description}`) : new Option(longName(name), description)];
  }
  const names = [ALIASES[name], longName(name)].filter(Boolean).join(', ');
  const option = new Option(`${names} <${placeholder(schema)}>`, description);
  // Commander takes every name that begins with "no" for a negation: noRepeatNgramSize is none.
  option.negate = false;
  if (schema.default !== null) option.default(schema.default);
  const choices = choicesOf(schema);
  if (choices.length > 0) option.choices(choices);
  if (schema.type === 'integer') option.argParser(wholeNumber(schema.minimum ?? 0, schema.maximum));
  if (schema.type === 'number') option.argParser(decimalNumber(schema.expected));
  if (!isNullable(schema) || schema.default === null) return [option];
  return [option, new Option(longName(name, '--no-'), `the same as ${longName(name)} none`)];
}

function isNullable({ anyOf = [] }: TSchema): boolean {
  return anyOf.some(({ type }: TSchema) => type === 'null');
}

function choicesOf({ anyOf = [] }: TSchema): string[] {
  return anyOf.flatMap((each: TSchema) => each.const ?? []);
}

function placeholder(schema: TSchema): string {
  const { type, expected = '' } = schema;
  if (type === 'integer' || type === 'number') return 'n';
  if (choicesOf(schema).length > 0) return 'which';
  if (/name/.test(expected)) return 'name|dir';
  if (/folder/.test(expected)) return 'dir';
  return /URL/.test(expected) ? 'url' : 'value';
}

/** The schema's words in the style of help. */
function describe(text: string): string {
  return asOptions(text)
    .replace(/^[A-Z](?![A-Z])/, (letter) => letter.toLowerCase())
    .replace(/\.$/, '')
    .replaceAll('`', '')
    .replace(/\bnull(?: for none)?\b/g, 'none');
}

/** The API's words with the names of settings as options. */
export function asOptions(text: string): string {
  return text.replace(/(?<![/.\w-])[a-z]+[A-Z]\w*|(?<=^- )\w+(?=:)/gm, (word) => (isSetting(word) ? longName(word) : word));
}

function isSetting(word: string): word is keyof ConfigValues {
  return Object.hasOwn(Config.schema.properties, word);
}
