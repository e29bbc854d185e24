import type { Mode } from '../../api';
import type { TermScores } from '../row';
export interface WordRules {
  prefix?: string;
  suffix?: string;
  trigger?: string;
  exclude?: readonly (string | RegExp)[];
  replace?: readonly (readonly [string, string])[];
  maxTokens?: number;
  template?: string;
  lower?: boolean;
  underscores?: boolean;
  keepDuplicates?: boolean;
}
export async function applyWords(
  _mode: Mode,
  words: { prompt: string; caption?: string; negative?: string; terms?: TermScores },
  _rules: WordRules,
  _count: (text: string) => Promise<number>,
): Promise<string> {
  return words.prompt;
}
export async function readWordRules(_all: readonly string[]): Promise<(string | RegExp)[]> {
  return [];
}
export async function readReplacements(_all: readonly string[]): Promise<[string, string][]> {
  return [];
}
export function previewWords(_samples: readonly { name: string; before: string; after: string }[], _columns: number): string {
  return '';
}
