/** Runs the Python references of this folder, in the exporter's environment. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runPython } from '../support/python';

export function temporaryFolder(): string {
  return mkdtempSync(path.join(os.tmpdir(), 'interrogator-test-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

export interface ClipReference {
  folder: string;
  texts: string[];
  cleaned: string[];
  tokens(index: number): number[];
  /** Indices of texts with characters newer than Python's Unicode. */
  skip: ReadonlySet<number>;
}

export interface ClipJob {
  name: string;
  clean: 'lower' | 'whitespace';
  /** Null: the whole vocabulary. */
  texts: string[] | null;
}

/** open_clip's own cleaning and tokens, in one process: importing torch takes longer than the work. */
export async function clipReferences(folder: string, jobs: ClipJob[]): Promise<ClipReference[]> {
  writeFileSync(path.join(folder, 'jobs.json'), JSON.stringify(jobs));
  await runPython([path.join(__dirname, 'reference_clip.py'), folder]);
  return jobs.map(({ name }) => readClipReference(path.join(folder, name)));
}

function readClipReference(folder: string): ClipReference {
  const json = (name: string) => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
  const numbers = (name: string) => {
    const bytes = readFileSync(path.join(folder, name));
    return new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  };
  const ids = numbers('ids.bin');
  const offsets = numbers('offsets.bin');
  return {
    folder,
    texts: json('texts.json'),
    cleaned: json('cleaned.json'),
    skip: new Set(json('skip.json')),
    tokens: (index) => Array.from(ids.subarray(offsets[index], offsets[index + 1])),
  };
}

export interface KindJob {
  name: string;
  /** Of the repository. */
  folder: string;
  clean: 'lower' | 'whitespace' | 'canonicalize';
  stripSep: boolean;
  /** Null: the vocabulary, a term in each `step`. */
  texts: string[] | null;
  step: number;
}

export interface KindReference extends ClipReference {
  /** As a tower gets a text: with start and end, cut and padded. Of the first thousand. */
  whole(index: number): number[];
}

/** The context of `whole`. */
export const CONTEXT = 64;

/** What open_clip's wrapper of the hub's tokenizers says, in one process. */
export async function kindReferences(folder: string, jobs: KindJob[]): Promise<KindReference[]> {
  writeFileSync(path.join(folder, 'jobs.json'), JSON.stringify(jobs));
  await runPython([path.join(__dirname, 'reference_kinds.py'), folder]);
  return jobs.map(({ name }) => {
    const bytes = readFileSync(path.join(folder, name, 'whole.bin'));
    const rows = new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
    const whole = (index: number): number[] => Array.from(rows.subarray(index * CONTEXT, (index + 1) * CONTEXT));
    return { ...readClipReference(path.join(folder, name)), whole };
  });
}

export interface Difference {
  text: string;
  ours: unknown;
  reference: unknown;
}

/** The first few texts for which the two sides differ. */
export function differences<Result>(
  { texts, skip }: ClipReference,
  ours: (text: string) => Result,
  reference: (index: number) => Result,
): Difference[] {
  const found: Difference[] = [];
  for (const [index, text] of texts.entries()) {
    if (skip.has(index)) continue;
    const a = ours(text);
    const b = reference(index);
    if (String(a) !== String(b)) found.push({ text, ours: a, reference: b });
    if (found.length === 20) break;
  }
  return found;
}
