/** What rules do to texts, for a person to look at before anything is written. */

export interface Sample {
  name: string;
  before: string;
  after: string;
}

/** Each text before and after, wrapped to the columns, with the parts that went and that came. */
export function previewWords(samples: readonly Sample[], columns: number): string {
  return samples.map((sample) => section(sample, Math.max(20, columns)).join('\n')).join('\n\n');
}

function section({ name, before, after }: Sample, columns: number): string[] {
  const lines = [name, ...wrapped('before  ', before, columns), ...wrapped('after   ', after, columns)];
  const [old, fresh] = [new Set(before.split(', ')), new Set(after.split(', '))];
  const [gone, come] = [[...old].filter((part) => !fresh.has(part)), [...fresh].filter((part) => !old.has(part))];
  if (gone.length > 0) lines.push(...wrapped('      - ', gone.join(', '), columns));
  if (come.length > 0) lines.push(...wrapped('      + ', come.join(', '), columns));
  return lines;
}

/** Words never run beyond the columns, but for one that is longer than they are. */
function wrapped(title: string, text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = title;
  for (const word of text.replace(/\s+/g, ' ').split(' ')) {
    if (line.length > title.length && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = ' '.repeat(title.length);
    }
    line += line.length > title.length ? ` ${word}` : word;
  }
  return [...lines, line];
}
