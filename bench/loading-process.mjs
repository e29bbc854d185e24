/** Opens two models once, for `loading.mjs`: how long that takes with every file hashed and without, and what it takes of memory. */
import { readFileSync, writeFileSync } from 'node:fs';
import { library } from './ours.mjs';
import { secondsOf } from './sampling.mjs';
import { serve } from './serve.mjs';

await serve({
  async open(config) {
    const settings = { ...config, cachePath: null, downloadCache: false, download: false, quiet: true };
    let interrogator;
    const open = async (verifyHashes) => {
      interrogator = await library().Interrogator.create({ ...settings, verifyHashes });
    };
    // Whatever was the most before does not count. Linux only.
    writeFileSync('/proc/self/clear_refs', '5');
    const open_s = await secondsOf(() => open(true));
    const [peak, resident] = ['VmHWM', 'VmRSS'].map(memory);
    await interrogator.dispose();
    const models_s = await secondsOf(() => open(false));
    await interrogator.dispose();
    return { open_s, models_s, peak, resident };
  },
});

function memory(field) {
  return 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]);
}
