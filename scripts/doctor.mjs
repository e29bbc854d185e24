/** npm run doctor: explains this clone, `-- --json` for machines. What nothing is set up for, it says in words. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { compileTypeScript } from './setup.mjs';
import { main, ROOT } from './step.mjs';

const require = createRequire(import.meta.url);

await main(async () => {
  const json = process.argv.includes('--json');
  if (existsSync(path.join(ROOT, 'node_modules', 'typescript'))) await compileTypeScript();
  const compiled = path.join(ROOT, 'dist', 'setup', 'doctor.js');
  if (!existsSync(compiled) || !existsSync(path.join(ROOT, 'node_modules'))) {
    const advice = 'Nothing is set up in this clone yet. Run: npm run setup';
    const version = { version: process.versions.node, platform: process.platform, arch: process.arch };
    const nothing = {
      node: version,
      libtorch: { path: null, version: null },
      cuda: { available: false, devices: 0 },
      addon: { loaded: false, path: null },
      cpuFeatures: [],
      bundles: [],
      caches: {},
      advice,
    };
    console.log(json ? JSON.stringify(nothing, null, 2) : advice);
    return;
  }
  const { diagnose, formatDiagnosis } = require(compiled);
  const diagnosis = await diagnose();
  console.log(json ? JSON.stringify(diagnosis, null, 2) : formatDiagnosis(diagnosis));
});
