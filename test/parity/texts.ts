/** Texts that parity is tested on: real vocabulary, prompts past the context, odd Unicode. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** `count` lines spread evenly over all of clip-interrogator's term lists. */
export function vocabularyLines(folder: string, count: number): string[] {
  const lines = ['artists', 'flavors', 'mediums', 'movements', 'negative'].flatMap((name) =>
    readFileSync(path.join(folder, `${name}.txt`), 'utf8')
      .split('\n')
      .map((line) => line.trim()),
  );
  return Array.from({ length: count }, (_, i) => lines[Math.floor((i * lines.length) / count)] as string);
}

/** Prompts of `sizes` terms each; from about 20 terms on they pass CLIP's 77 tokens. */
export function longPrompts(lines: readonly string[], sizes: readonly number[]): string[] {
  return sizes.map((size, i) => lines.slice(i * 7, i * 7 + size).join(', '));
}

export const ODD_TEXTS: readonly string[] = [
  '',
  ' ',
  '\t\n',
  ',',
  ', , ,',
  '...!!!???',
  "it's the cat's, don't you'd they'll I've we're",
  'ÀÉÎÕÜ naïve façade Ångström',
  'Ⅷ ½ ² ℵ ﬁne ﬂow',
  'ＦＵＬＬ　ｗｉｄｔｈ',
  '“curly” ‘quotes’ — and–dashes…',
  'schÃ¶n mojibake â€œquotedâ€\u009d cafÃ©',
  'e\u0301 combining a\u030a',
  'İstanbul ΟΔΟΣ ς ẞ',
  '日本語の絵 水墨画',
  '한국어 그림',
  'العربية עברית',
  'emoji 👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇫🇷',
  '&amp;lt;b&amp;gt; &eacute; &#233; &#x1F600; &nosuch; &amp',
  'zero\u200bwidth soft\u00adhyphen non\u00a0breaking',
  'control \u0007 and \u001b[31mred\u001b[0m',
  'a'.repeat(400),
  '7'.repeat(120),
  '<start_of_text> inside <end_of_text> text',
  'under_score snake_case camelCase 3.14 1,000 50% #hash @at',
  '𝕸𝖆𝖙𝖍 𝓯𝓪𝓷𝓬𝔂 letters',
];
