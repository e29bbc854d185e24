/** npm run doctor: explains this clone, `-- --json` for machines. What nothing is set up for, it says in words. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { compileTypeScript } from './setup.mjs';
import { main, ROOT, show } from './step.mjs';

await main(async () => {
  const options = process.argv.slice(2);
  if (existsSync(path.join(ROOT, 'node_modules', 'typescript'))) {
    await compileTypeScript();
    return show(process.execPath, [path.join(ROOT, 'dist', 'cli', 'main.js'), 'doctor', ...options]);
  }
  const advice = 'Nothing is set up in this clone yet. Run: npm run setup';
  const report = { ok: false, node: { version: process.versions.node }, advice };
  console.log(options.includes('--json') ? JSON.stringify(report, null, 2) : advice);
  return 1;
});
