/** `/v1/runs` and `/v1/workers`: what a fleet works on, and who works. */
import { type Static, Type } from '@sinclair/typebox';
import type { RunView } from '../../fleet/runs/control';
import { CaptionModelName, ClipModelName, Label, LONGEST_LABEL, MOST_LABELS, ModeName, NO_NUL, oneOf, orNull, Text } from './common';

const LONGEST_PATH = 4096;

const Path = (description: string) => Type.String({ minLength: 1, maxLength: LONGEST_PATH, pattern: NO_NUL, description });
const Short = (description: string) => Type.String({ minLength: 1, maxLength: 200, pattern: NO_NUL, description });
const Count = (minimum: number, maximum: number, description: string) => Type.Optional(Type.Integer({ minimum, maximum, description }));
const Flag = (description: string) => Type.Optional(Type.Boolean({ description }));
const Globs = (description: string) => Type.Optional(Type.Array(Short('A glob.'), { maxItems: 100, description }));

export const RunId = Type.String({ pattern: '^[a-z0-9]{1,32}$', description: "The run's id." });
export const OfRun = Type.Object({ run: RunId });

const Fault = Type.Object({ code: Type.String(), message: Type.String(), hint: Type.Optional(Type.String()) }, { title: 'RunFault' });

export const RunFailures = Type.Object(
  {
    code: Type.String({ description: 'What these pictures failed with.' }),
    hint: Type.Optional(Type.String()),
    count: Type.Integer(),
    examples: Type.Array(Type.Object({ name: Type.String(), message: Type.String() }), { description: 'The first few.' }),
  },
  { title: 'RunFailures' },
);
export type RunFailures = Static<typeof RunFailures>;

export const RUN_STATES = [
  'submitting',
  'running',
  'paused',
  'merging',
  'ended',
  'failed',
  'cancelled',
] as const satisfies readonly RunView['state'][];

export const Run = Type.Object(
  {
    run: RunId,
    title: Type.String({ description: 'What it is, for people.' }),
    tenant: Type.String({ description: 'Whose run it is.' }),
    priority: Type.Integer({ description: 'Runs of 1 are before those of 2.' }),
    state: oneOf(
      RUN_STATES,
      'submitting: its pictures are still being listed, and work has begun. merging: all shards are done, and the outputs are written. failed: nothing of it can be written; a run that ended may have pictures that failed.',
    ),
    createdAt: Type.String({ description: 'ISO 8601.' }),
    endedAt: Type.Optional(Type.String()),
    total: orNull(
      Type.Integer({ description: 'Pictures; null while they are being listed, and while files of many (tar, parquet) are not all read.' }),
    ),
    done: Type.Integer({ description: 'Pictures that came to a result.' }),
    kept: Type.Integer({ description: 'Those whose result was there from another picture with the same content.' }),
    failed: Type.Integer({ description: 'Those that came to an error.' }),
    skipped: Type.Integer({ description: 'Those left out because they have a text already.' }),
    rate: Type.Number({ description: 'Pictures a second now, on all workers.' }),
    secondsLeft: orNull(Type.Number({ description: 'null while it cannot be told.' })),
    seconds: Type.Number({ description: 'Since it was submitted.' }),
    workers: Type.Array(Type.String(), { description: 'Those that have a shard of it under way.' }),
    shards: Type.Object({
      total: Type.Integer(),
      left: Type.Integer({ description: 'Those that are not done.' }),
      active: Type.Integer({ description: 'Those under way.' }),
      waiting: Type.Integer({ description: 'Those that no worker has taken.' }),
    }),
    refusals: Type.Record(Type.String(), Type.String(), { description: 'Workers that take no part, with the reason.' }),
    failures: Type.Array(RunFailures, { description: 'Once it has ended: its failures by their cause, most frequent first.' }),
    written: Type.Array(Type.String(), { description: 'Once it has ended: the files that were written, sidecars aside.' }),
    error: Type.Optional(Fault),
  },
  { title: 'Run' },
);
export type Run = Static<typeof Run>;

export const RunList = Type.Object(
  { runs: Type.Array(Run), total: Type.Integer({ description: 'Of those that are known; ended ones are for 30 days.' }) },
  { title: 'RunList' },
);

export const RunQuery = Type.Object({
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000, default: 0 })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 })),
});
export type RunQuery = Static<typeof RunQuery>;

const Task = Type.Object(
  {
    kind: oneOf(['interrogate', 'rank', 'features'], 'features: image features, for .parquet.'),
    modes: Type.Optional(
      Type.Array(ModeName, { minItems: 1, maxItems: 5, uniqueItems: true, description: "Of interrogate. Default: ['best']." }),
    ),
    caption: Type.Optional(Text),
    minFlavors: Count(0, 1000, 'Of interrogate.'),
    maxFlavors: Count(0, 1000, 'Of interrogate.'),
    termCount: Count(0, 1000, 'Of interrogate: so many of the best terms of each table as well. Default 0.'),
    similarities: Flag('Of interrogate: say how similar each text is to its picture.'),
    labels: Type.Optional(Type.Array(Label, { minItems: 1, maxItems: MOST_LABELS, description: 'Of rank.' })),
    topCount: Count(1, 1000, 'Of rank: labels of each picture. Default 5.'),
    scores: Type.Optional(oneOf(['cosine', 'probability'], 'Of rank. Default cosine.')),
    template: Type.Optional(
      Type.String({ maxLength: LONGEST_LABEL, pattern: NO_NUL, description: 'Of rank: what is encoded, with the label for each {}.' }),
    ),
  },
  { title: 'RunTask', additionalProperties: false, description: 'What is made of each picture. Default: interrogate, in best mode.' },
);
export type RunTaskBody = Static<typeof Task>;

/** Names, and no folders: bundles are the workers' own affair. */
const NAME = '^\\w[\\w-]*(/\\w[\\w.-]*)?$';

/** Settings that decide what the results are; those of machines are the workers' own. */
const RunConfig = Type.Object(
  {
    clipModelName: Type.Optional(Type.String({ ...ClipModelName, pattern: NAME })),
    captionModelName: Type.Optional(orNull(Type.String({ ...CaptionModelName, pattern: NAME }))),
    captionMaxLength: Count(1, 512, 'Most tokens of a caption. Default 32.'),
    captionPrompt: Type.Optional(Text),
    numBeams: Count(1, 64, 'Beams that captions are searched with. Default 1.'),
    imagePrecision: Type.Optional(oneOf(['float32', 'bfloat16'], 'Default float32.')),
    ranking: Type.Optional(oneOf(['quota', 'global'], 'Default quota.')),
    compat: Type.Optional(oneOf(['reference', 'corrected'], 'Default reference.')),
    orientation: Type.Optional(oneOf(['ignore', 'exif'], 'Default ignore.')),
    truncated: Type.Optional(oneOf(['error', 'best-effort'], 'Default error.')),
  },
  { title: 'RunConfig', additionalProperties: false },
);

const Words = Type.Object(
  {
    prefix: Type.Optional(Text),
    suffix: Type.Optional(Text),
    trigger: Type.Optional(Text),
    exclude: Type.Optional(Type.Array(Label, { maxItems: 1000, description: 'Terms that are left out.' })),
    replace: Type.Optional(
      Type.Array(
        Type.Object({ term: Label, by: Type.String({ maxLength: LONGEST_LABEL, pattern: NO_NUL }) }, { additionalProperties: false }),
        {
          maxItems: 1000,
          description: 'Terms that are replaced.',
        },
      ),
    ),
    maxTokens: Count(1, 10_000, 'Tokens at most: parts go from the end.'),
    template: Type.Optional(Text),
    lower: Flag('In lower case.'),
    underscores: Flag('Blanks within parts become _.'),
    keepDuplicates: Flag('Parts that come twice stay.'),
  },
  { title: 'RunWords', additionalProperties: false, description: 'How texts are changed before they are written.' },
);

const Sidecar = Type.Object(
  {
    extension: Type.Optional(Short("With its dot. Default '.txt'.")),
    name: Type.Optional(Short("With {stem} or {name}, {ext}, {mode}. Default '{stem}{ext}'.")),
    folder: Type.Optional(Path('Below it, instead of beside the pictures.')),
    existing: Type.Optional(oneOf(['skip', 'overwrite', 'append', 'prepend'], 'Where a file of another hand is there. Default skip.')),
    lines: Flag('All texts of a picture in one file, a line each.'),
  },
  { title: 'RunSidecar', additionalProperties: false, description: 'A text file beside each picture.' },
);

export const RunBody = Type.Object(
  {
    inputs: Type.Array(
      Path(
        'A folder, a picture, or a file of many (.tar, .parquet), by its absolute path, which is the same for this server and for all workers; or a URL. Below one of --run-folders.',
      ),
      { minItems: 1, maxItems: 1000 },
    ),
    recursive: Flag('Enter subfolders. Default true.'),
    include: Globs('Only files whose path fits one of them.'),
    exclude: Globs('No files and no folders that fit one of them.'),
    task: Type.Optional(Task),
    config: Type.Optional(RunConfig),
    words: Type.Optional(Words),
    out: Type.Optional(
      Type.Array(Path('An absolute path, or s3://BUCKET/NAME.'), {
        maxItems: 20,
        description: 'Tables that are written at the end: .jsonl, .csv, .tsv, .parquet, metadata.jsonl, .json (kohya), .txt.',
      }),
    ),
    report: Type.Optional(Path('A page to look at: an .html file.')),
    sidecar: Type.Optional(Sidecar),
    embed: Type.Optional(oneOf(['xmp'], "Write the text into the pictures' files.")),
    state: Type.Optional(
      Path(
        'Where results are until they are merged: a folder that all workers share, or s3://BUCKET/FOLDER. Default: beside the first output.',
      ),
    ),
    shardSize: Count(1, 10_000, 'Pictures that a worker takes at a time. Default 200.'),
    shardsAtOnce: Count(1, 1_000_000, 'Shards under way on all workers together. Default: no limit.'),
    tenant: Type.Optional(Short("Whose run it is, for limits. Default 'default'.")),
    priority: Count(1, 100, 'Runs of 1 are before those of 2. Default 10.'),
    title: Type.Optional(Short('For people. Default: the inputs.')),
  },
  { title: 'RunBody', additionalProperties: false },
);
export type RunBody = Static<typeof RunBody>;

export const RunSubmitted = Type.Object(
  { run: RunId, pictures: Type.Integer({ description: 'Files of many pictures count as one.' }) },
  { title: 'RunSubmitted' },
);

export const FleetWorker = Type.Object(
  {
    id: Type.String(),
    host: Type.String(),
    pid: Type.Integer(),
    version: Type.String(),
    startedAt: Type.String({ description: "ISO 8601, by the worker's clock." }),
    age: Type.Number({ description: 'Seconds since it was heard of last.' }),
    isAlive: Type.Boolean({ description: 'It was heard of in the last 15 seconds.' }),
    shards: orNull(Type.Integer({ description: 'Under way; null where it takes no part in runs.' })),
    pictures: orNull(Type.Integer({ description: 'Of runs, since it started.' })),
    failed: orNull(Type.Integer()),
    places: orNull(Type.Integer({ description: 'Single requests that it takes at a time; null where it takes none.' })),
  },
  { title: 'FleetWorker' },
);
export type FleetWorker = Static<typeof FleetWorker>;

export const WorkerList = Type.Object(
  { workers: Type.Array(FleetWorker, { description: 'Those that live first.' }) },
  { title: 'WorkerList' },
);
