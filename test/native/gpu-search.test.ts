/** Looking for a GPU starts its driver, which may take seconds: nothing else in the process waits for that. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { nativeFiles } from '../support/native';

const run = promisify(execFile);
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gpu-search-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the event loop turns while a slow driver is loaded', async () => {
  const source = path.join(folder, 'slow.c');
  writeFileSync(source, '#include <unistd.h>\n__attribute__((constructor)) static void start(void) { usleep(400000); }\n');
  await run('cc', ['-shared', '-fPIC', '-o', path.join(folder, 'libcuda.so.1'), source]);
  const { loader, addon, libraries } = nativeFiles();
  const script = `
    (async () => {
      await require(${JSON.stringify(loader)}).open(${JSON.stringify(libraries)});
      const binding = require(${JSON.stringify(addon)});
      let turns = 0;
      const count = () => { turns += 1; timer = setTimeout(count, 1); };
      let timer = setTimeout(count, 1);
      const answer = binding.runtimeInfo();
      await answer;
      clearTimeout(timer);
      console.log(turns);
    })();`;
  const { stdout } = await run(process.execPath, ['-e', script], { env: { ...process.env, LD_LIBRARY_PATH: folder } });
  expect(Number(stdout)).toBeGreaterThan(5);
});
