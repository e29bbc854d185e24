/** Tokenizers that stay where the reference reads them: in repositories of the hub, fetched once into its cache. */
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { InterrogatorError } from '../errors';
import { cachedFile, fetchFiles, repositoryInfo } from '../hub';
import type { Graph } from './graph';
import type { Manifest } from './manifest';

/** Any of these sets is a tokenizer, the first that is there is read. */
const FORMS = [['tokenizer.json'], ['spiece.model'], ['sentencepiece.bpe.model'], ['vocab.json', 'merges.txt'], ['vocab.txt']];
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
        hint: 'Check HF_ENDPOINT.',
      },
    );
  }
  const [first] = (await fetchFiles(repository, files, { revision: commit, ref: 'main', signal, onProgress })) as [string, ...string[]];
  return path.dirname(first);
}

/** The files of a tokenizer that the cache names by their SHA-256. */
export async function declaredTokenizerFiles(folder: string): Promise<{ file: string; sha256: string }[]> {
  const declared: { file: string; sha256: string }[] = [];
  for (const name of FILES) {
    const file = path.join(folder, name);
    if (!(await stat(file).catch(() => undefined))) continue;
    const sha256 = path.basename(await realpath(file));
    if (/^[0-9a-f]{64}$/.test(sha256)) declared.push({ file, sha256 });
  }
  return declared;
}
