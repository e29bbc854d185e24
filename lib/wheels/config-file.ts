/** The format of pip's configuration files, that of Python's configparser: values go on in the lines that are further in. */

/** Names and values of each section. Names are in lower case; the lines of a value are joined by line ends. */
export type Sections = Map<string, Map<string, string>>;

/** Throws an Error that names the line which is neither a section nor a setting. */
export function parseConfigFile(text: string): Sections {
  const sections = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  let value: string[] | undefined;
  let indent = 0;
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const content = line.trim();
    if (/^[#;]/.test(content)) continue;
    if (content === '') {
      value?.push('');
      continue;
    }
    const depth = line.search(/\S/);
    if (value && depth > indent) {
      value.push(content);
      continue;
    }
    indent = depth;
    const name = /^\[(.+)\]/.exec(content)?.[1];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
      value = undefined;
      continue;
    }
    const end = content.search(/[=:]/);
    if (!section || end < 1) throw new Error(`line ${index + 1} is neither a [section] nor a setting`);
    value = [content.slice(end + 1).trim()];
    section.set(content.slice(0, end).trim().toLowerCase(), value);
  }
  // What the section DEFAULT says holds in every other.
  const defaults = sections.get('DEFAULT') ?? new Map<string, string[]>();
  sections.delete('DEFAULT');
  const joined = (values: Map<string, string[]>) =>
    [...defaults, ...values].map(([name, lines]) => [name, lines.join('\n').trimEnd()] as const);
  return new Map([...sections].map(([name, values]) => [name, new Map(joined(values))]));
}
