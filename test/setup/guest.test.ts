/** What libtorch's setup, the network and the tokenizers do to a process that only loads them: nothing. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { REPOSITORY } from '../support/python';

const LATER = ['undici', 'yauzl', 'cli-progress'];

test.each(['setup/libtorch/index.ts', 'setup/libtorch/fetch.ts', 'labels/label-table.ts', 'tokenizer/index.ts'])(
  'lib/%s changes nothing in the process that loads it, and loads no library before it is needed',
  (module) => {
    const script = path.join(__dirname, '..', 'support', 'guest-process.cjs');
    const found = execFileSync(process.execPath, [script, path.join(REPOSITORY, 'lib', module)], { encoding: 'utf8' });
    const { replaced, listeners, packages } = JSON.parse(found) as Record<string, string[]>;
    expect({ replaced, listeners }).toEqual({ replaced: [], listeners: [] });
    expect(packages?.filter((name) => LATER.includes(name))).toEqual([]);
  },
);
