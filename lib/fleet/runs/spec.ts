/** What a run of a fleet is asked for, as JSON: every worker reads the same. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Config, type ConfigInput, InterrogatorError, type RunOptions, type RunTask, type WordRules } from '../../index';

export const { version: PACKAGE_VERSION } = require('../../../package.json') as { version: string };

/** Settings of a machine, not of results: each worker has its own. */
const OF_MACHINES = [
  'device',
  'threads',
  'cachePath',
  'captionOffload',
  'clipOffload',
  'download',
  'downloadCache',
  'quiet',
  'maxBatch',
  'maxQueue',
  'verifyHashes',
  'cacheUrl',
] as const satisfies readonly (keyof Config)[];

export interface RunSpec {
  id: string;
  /** Of the package that submitted it; workers of others refuse the run. */
  version: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  /** The command or the caller's words, for people. */
  title: string;
  /** Whose run it is, for limits by tenant. */
  tenant: string;
  /** 1 is before 2. */
  priority: number;
  /** Pictures of a shard at most. */
  shardSize: number;
  /** Settings that are not the default, without those of machines. */
  config: ConfigInput;
  task: RunTask;
  words?: WrittenRules;
  /** Absolute paths, or s3:// addresses. */
  out: readonly string[];
  report?: string;
  sidecar?: RunOptions['sidecar'];
  embed?: RunOptions['embed'];
  /** State folder that remembers which sidecars are of runs. */
  marks?: string;
  /** Where the shards' results are until the merge: a folder that all workers share, or an s3:// address. */
  state: string;
}

/** Of WordRules, with patterns as they are written. */
export type WrittenRules = Omit<WordRules, 'exclude' | 'replace'> & {
  exclude?: readonly WrittenTerm[];
  replace?: readonly (readonly [WrittenTerm, string])[];
};
type WrittenTerm = string | { pattern: string; flags: string };

export function writeRules({ exclude, replace, ...others }: WordRules): WrittenRules {
  return {
    ...others,
    ...(exclude && { exclude: exclude.map(writeTerm) }),
    ...(replace && { replace: replace.map(([term, text]) => [writeTerm(term), text] as const) }),
  };
}

export function readRules({ exclude, replace, ...others }: WrittenRules): WordRules {
  return {
    ...others,
    ...(exclude && { exclude: exclude.map(readTerm) }),
    ...(replace && { replace: replace.map(([term, text]) => [readTerm(term), text] as const) }),
  };
}

function writeTerm(term: string | RegExp): WrittenTerm {
  return typeof term === 'string' ? term : { pattern: term.source, flags: term.flags };
}

function readTerm(term: WrittenTerm): string | RegExp {
  return typeof term === 'string' ? term : new RegExp(term.pattern, term.flags);
}

/** What of a config is the same on all machines: settings that are not the default. */
export function sharedConfig(config: ConfigInput): ConfigInput {
  const usual = new Config();
  const given = new Config(config);
  const own = Object.keys(usual).filter((name) => !(OF_MACHINES as readonly string[]).includes(name)) as (keyof Config)[];
  return Object.fromEntries(own.filter((name) => given[name] !== usual[name]).map((name) => [name, absolutePath(name, given[name])]));
}

/** Folders mean the same in every working directory. */
function absolutePath(name: keyof Config, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const isFolder = /Path$/.test(name) || (/ModelName$/.test(name) && /^\.{1,2}[/\\]/.test(value));
  return isFolder ? path.resolve(value) : value;
}

/** Ten letters and digits that are easily told apart. */
export function newRunId(): string {
  return Array.from(randomBytes(10), (byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

export function isRunId(text: string): boolean {
  return text.length === 10 && [...text].every((sign) => ALPHABET.includes(sign));
}

const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

export function checkTenant(name: string): void {
  if (name.trim() !== '') return;
  throw new InterrogatorError('ERR_INVALID_ARGUMENT', 'tenant: expected a name.', { hint: 'Without one a run is of the tenant default.' });
}
