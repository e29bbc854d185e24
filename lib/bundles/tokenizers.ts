/** Tokenizers that stay where the reference reads them: in repositories of the hub, fetched once into its cache. */
import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { hasCode, InterrogatorError, toInterrogatorError } from '../errors';
import { cachedFile, fetchFiles, repositoryInfo } from '../hub';
import type { Bundle } from './bundle';
import type { Graph } from './graph';
import type { Manifest } from './manifest';

/** Any of these sets is a tokenizer, the first that is there is read. */
export const FORMS = [['tokenizer.json'], ['spiece.model'], ['sentencepiece.bpe.model'], ['vocab.json', 'merges.txt'], ['vocab.txt']];
/** What transformers' AutoTokenizer reads beside it, so that Python finds it whole. */
const BESIDE = ['tokenizer_config.json', 'special_tokens_map.json', 'added_tokens.json', 'config.json'];
const FILES = [...FORMS.flat(), ...BESIDE];

/** The repository of a graph's tokenizer; undefined where the package has it. */
export function tokenizerRepository({ header }: Graph): string | undefined {
  return (header.manifest.tokenizer as Manifest['tokenizer'] | undefined)?.repository;
}

/** The folder in the hub's cache that has the repository's tokenizer. No request is made. */
export async function findTokenizer(repository: string): Promise<string | undefined> {
  for (const form of FORMS) {
    const [first, ...others] = await Promise.all(form.map((file) => cachedFile(repository, file)));
    if (first !== undefined && !others.includes(undefined)) return path.dirname(first);
  }
  return undefined;
}

/** Fetches all that the repository has of its tokenizer. Resolves with the folder. Throws ERR_NETWORK, ERR_IO, AbortError. */
export async function fetchTokenizer(
  repository: string,
  { signal, onProgress }: { signal?: AbortSignal | undefined; onProgress: (file: string, done: number, total: number) => void },
): Promise<string> {
  const { commit, files: published } = await repositoryInfo(repository, { signal });
  const files = FILES.filter((file) => published.includes(file));
  if (!FORMS.some((form) => form.every((file) => files.includes(file)))) {
    throw new InterrogatorError(
      'ERR_NETWORK',
      `The hub's ${repository} has no tokenizer: none of ${FORMS.map((form) => form.join(' with ')).join(', ')}.`,
      {
        hint: 'Check HF_ENDPOINT: it is the address of the hub, or of a whole mirror of it.',
      },
    );
  }
  const [first] = (await fetchFiles(repository, files, { revision: commit, ref: 'main', signal, onProgress })) as [string, ...string[]];
  return path.dirname(first);
}

/** The files in a tokenizer's folder that are not what the hub declared, as far as the cache knows: it names contents by their hashes. */
export async function damagedTokenizerFiles(folder: string): Promise<string[]> {
  const damaged: string[] = [];
  for (const name of FILES) {
    const file = path.join(folder, name);
    if (!(await stat(file).catch(() => undefined))?.isFile()) continue;
    const declared = path.basename(await realpath(file));
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(declared)) continue;
    const content = await readFile(file);
    // A small file goes by the hash that git has for it.
    const hash = declared.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${content.length}\0`);
    if (hash.update(content).digest('hex') !== declared) damaged.push(file);
  }
  return damaged;
}

/** What failed of a bundle's tokenizer, with the repository that it is from and the command that fetches it again. */
export function tokenizerFault({ tokenizer, manifest }: Bundle, cause: unknown): unknown {
  const { repository } = manifest.tokenizer;
  if (tokenizer === undefined || repository === undefined || !hasCode(cause, 'ERR_TOKENIZER')) return cause;
  const { problem } = toInterrogatorError(cause);
  return new InterrogatorError('ERR_TOKENIZER', `The tokenizer of ${manifest.name} (${repository}): ${problem}`, {
    hint: `Fetch what is damaged again with: npx torch-interrogator pull ${manifest.name}\nIf that finds nothing, remove ${tokenizer} before.`,
    cause,
  });
}
