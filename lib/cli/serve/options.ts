/** The flags of the server: one for each of its settings, and an environment variable for each flag. */
import type { TSchema } from '@sinclair/typebox';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { Config, type ConfigInput, InterrogatorError } from '../../index';
import type { ServerOptions } from '../../server';

/** Settings of the models that have a flag of their own here. */
const MODEL_SETTINGS = [
  'threads',
  'imagePrecision',
  'maxBatch',
  'orientation',
  'background',
  'truncated',
  'dataPath',
  'cachePath',
] as const;

/** In bytes, which people write with a unit. */
const OF_BYTES = new Set(['maxBody', 'memory', 'cache']);

/** Adds the flags. What it returns makes options of what was given. */
export function serverOptions(command: Command): (given: Record<string, unknown>) => ServerOptions {
  // Loaded here: of all commands this one alone needs the server.
  const { SETTINGS } = require('../../server/options') as typeof import('../../server/options');
  const { folder: _, ...server } = SETTINGS.properties as Record<string, TSchema>;
  for (const [name, schema] of Object.entries(server)) command.addOption(optionOf(name, schema));
  for (const name of MODEL_SETTINGS) command.addOption(optionOf(name, Config.schema.properties[name] as TSchema));
  return (given) => {
    const settings = Object.fromEntries(
      Object.entries(server).flatMap(([name, schema]) => {
        const isGiven = command.getOptionValueSource(name) === 'cli' || schema.type !== 'boolean';
        const value = isGiven ? given[name] : switchOf(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const models = MODEL_SETTINGS.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]]));
    return { ...settings, config: Object.fromEntries(models) as ConfigInput } as ServerOptions;
  };
}

function optionOf(name: string, schema: TSchema): Option {
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const isOff = schema.type === 'boolean' && /Default true/.test(schema.description ?? '');
  const said = (schema.description ?? '').replace(/\.$/, '');
  const description = isOff ? `do not ${said.charAt(0).toLowerCase()}${said.slice(1).replace(/\. Default true/, '')}` : said;
  const option = new Option(isOff ? `--no-${flag.slice(2)}` : `${flag}${valueOf(name, schema)}`, description);
  option.negate = isOff;
  // Commander takes any text in the variable of a switch, `false` too, for true.
  if (schema.type === 'boolean') option.description += ` (env: ${variableOf(name)}=true or false)`;
  else option.env(variableOf(name));
  if (OF_BYTES.has(name)) return option.argParser(bytesOf);
  if (schema.type === 'integer' || schema.type === 'number') return option.argParser(numberOf);
  // Not variadic: it would take the folder, too. Repeated, or with commas between its parts.
  if (schema.type === 'array') return option.argParser((text: string, list?: string[]) => [...(list ?? []), ...partsOf(text)]);
  return option;
}

/** `TI_MAX_WAIT` of maxWait. */
function variableOf(name: string): string {
  return `TI_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

/** What the environment says of a switch. Throws for what is neither yes nor no. */
function switchOf(name: string): boolean | undefined {
  const text = process.env[variableOf(name)]?.trim().toLowerCase();
  if (text === undefined || text === '') return undefined;
  if (['1', 'true', 'yes', 'on'].includes(text)) return true;
  if (['0', 'false', 'no', 'off'].includes(text)) return false;
  throw new InterrogatorError('ERR_CONFIG', `${variableOf(name)}: got ${JSON.stringify(text)}, expected true or false.`);
}

function valueOf(name: string, schema: TSchema): string {
  if (schema.type === 'boolean') return '';
  if (schema.type === 'array') return ` <${/Host|cors/.test(name) ? 'name' : 'value'},…>`;
  if (OF_BYTES.has(name)) return ' <bytes>';
  return schema.type === 'integer' || schema.type === 'number' ? ' <n>' : ' <value>';
}

export function partsOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
}

function numberOf(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a number of 0 or more.');
}

/** `32mb`, `1.5GiB`, `1000`. A thousand of bytes is 1024 of them, as systems count memory. */
export function bytesOf(text: string): number {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?$/i.exec(text.trim()) ?? [];
  if (digits === '') throw new InvalidArgumentError('expected bytes, such as 32mb or 8gb.');
  return Math.round(Number(digits) * 1024 ** ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase()));
}
