/** The options of runFolder(), checked before anything is opened or loaded. */
import { types } from 'node:util';
import type { TProperties, TSchema } from '@sinclair/typebox';
import { Config, Interrogator, MODES } from '../../api';
import { callOptions, fieldsOf, isA, optionsSchema, read } from '../../arguments';
import { accepted, choice, type TypeBox } from '../../arguments/schema';
import { filtersOf } from '../inputs/folders/filters';
import type { RunOptions, RunTask } from '../options';

const KINDS = ['interrogate', 'rank', 'features'] as const satisfies readonly RunTask['kind'][];

/**
 * A copy of the options. Throws ERR_INVALID_ARGUMENT, naming every option that is wrong; also for globs that are none. Throws ERR_CONFIG
 * for settings of models.
 */
export function checkedRunOptions(given: RunOptions): RunOptions {
  const fields = fieldsOf('the options of runFolder', given ?? {});
  const kind = read('task', 'ERR_INVALID_ARGUMENT', () => (fields.task === undefined ? 'interrogate' : Object(fields.task).kind));
  const schema = KINDS.includes(kind) ? SCHEMAS[kind as RunTask['kind']] : OF_NO_KIND;
  const options = callOptions<RunOptions>('runFolder', fields as RunOptions, schema);
  filtersOf(options);
  // Of interrogators that are there the config does not count.
  return options.interrogators ? options : { ...options, config: new Config(options.config ?? {}) };
}

/** One for each kind of task, so that what is wrong with a task is told of its own fields. */
const SCHEMAS: Readonly<Record<RunTask['kind'], ReturnType<typeof optionsSchema>>> = {
  interrogate: optionsSchema((typebox) => runFields(typebox, interrogateTask(typebox))),
  rank: optionsSchema((typebox) => runFields(typebox, rankTask(typebox))),
  features: optionsSchema((typebox) => runFields(typebox, taskOf(typebox, 'features', {}))),
};
const OF_NO_KIND = optionsSchema((typebox) => runFields(typebox, typebox.Type.Object({ kind: choice(typebox, KINDS) })));

function runFields(typebox: TypeBox, task: TSchema): TProperties {
  const { Type } = typebox;
  const file = Type.String({ minLength: 1, expected: "a file's path" });
  const texts = accepted(typebox, 'a list of texts', isListOf(isText));
  return {
    recursive: Type.Boolean(),
    include: texts,
    exclude: texts,
    config: Type.Object({}),
    task,
    devices: Type.Array(Config.schema.properties.device, { minItems: 1, expected: "a list of at least one device, such as 'cuda:0'" }),
    interrogators: accepted(
      typebox,
      'a list of at least one Interrogator',
      isListOf((each) => isA(each, Interrogator), 1),
    ),
    concurrency: Type.Integer({ minimum: 1 }),
    from: accepted(typebox, "a list of files' paths and streams", isListOf(isList)),
    state: Type.Union([Type.String({ minLength: 1 }), Type.Null()], { expected: "a folder's path, or null" }),
    again: choice(typebox, ['missing', 'errors', 'all']),
    out: Type.Array(file),
    sidecar: sidecarFields(typebox),
    embed: choice(typebox, ['xmp']),
    report: file,
    words: wordFields(typebox),
  };
}

function interrogateTask(typebox: TypeBox): TSchema {
  const { Type } = typebox;
  const count = Type.Integer({ minimum: 0 });
  return taskOf(typebox, 'interrogate', {
    modes: Type.Array(choice(typebox, MODES), {
      minItems: 1,
      uniqueItems: true,
      expected: `a list of ${MODES.join(', ')}, at least one, each once`,
    }),
    caption: Type.Optional(Type.String()),
    minFlavors: Type.Optional(count),
    maxFlavors: Type.Optional(count),
    termCount: Type.Optional(count),
    similarities: Type.Optional(Type.Boolean()),
  });
}

function rankTask(typebox: TypeBox): TSchema {
  const { Type } = typebox;
  return taskOf(typebox, 'rank', {
    labels: accepted(
      typebox,
      'a list of at least one text',
      isListOf((each) => typeof each === 'string', 1),
    ),
    topCount: Type.Integer({ minimum: 1 }),
    scores: choice(typebox, ['cosine', 'probability']),
    template: Type.Optional(Type.String({ pattern: '\\{\\}', expected: 'a text with {}, such as "a photo of {}"' })),
  });
}

function taskOf({ Type }: TypeBox, kind: RunTask['kind'], fields: TProperties): TSchema {
  return Type.Object({ kind: Type.Literal(kind), ...fields }, { additionalProperties: false });
}

function sidecarFields(typebox: TypeBox): TSchema {
  const { Type } = typebox;
  const text = Type.String({ minLength: 1 });
  const fields = {
    extension: Type.String(),
    name: text,
    folder: text,
    existing: choice(typebox, ['skip', 'overwrite', 'append', 'prepend']),
    lines: Type.Boolean(),
  };
  return Type.Partial(Type.Object(fields, { additionalProperties: false }));
}

function wordFields(typebox: TypeBox): TSchema {
  const { Type } = typebox;
  const fields = {
    prefix: Type.String(),
    suffix: Type.String(),
    trigger: Type.String(),
    exclude: accepted(typebox, 'a list of terms and patterns', isListOf(isTerm)),
    replace: accepted(typebox, 'a list of pairs: a term or a pattern, and a text', isListOf(isReplacement)),
    maxTokens: Type.Integer({ minimum: 1 }),
    template: Type.String(),
    lower: Type.Boolean(),
    underscores: Type.Boolean(),
    keepDuplicates: Type.Boolean(),
  };
  return Type.Partial(Type.Object(fields, { additionalProperties: false }));
}

function isListOf(accepts: (each: unknown) => boolean, least = 0): (value: unknown) => boolean {
  return (value) => Array.isArray(value) && value.length >= least && Array.from(value as unknown[]).every(accepts);
}

function isText(each: unknown): boolean {
  return typeof each === 'string' && each !== '';
}

function isTerm(each: unknown): boolean {
  return isText(each) || types.isRegExp(each);
}

function isReplacement(each: unknown): boolean {
  return Array.isArray(each) && each.length === 2 && isTerm(each[0]) && typeof each[1] === 'string';
}

/** A path, `{ path: Buffer }`, or a stream. */
function isList(each: unknown): boolean {
  if (typeof each === 'string') return each !== '';
  const { path, [Symbol.asyncIterator]: iterate } = Object(each) as { path?: unknown; [Symbol.asyncIterator]?: unknown };
  return types.isUint8Array(path) || typeof iterate === 'function';
}
