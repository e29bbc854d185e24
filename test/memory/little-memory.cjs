/**
 * Opens models, and builds a table, in a process whose address space may grow by so many megabytes: `… MEGABYTES WEIGHTS`, the second a
 * file of ViT-L-14's. Prints what became of each as one line of JSON.
 */
const { execFileSync } = require('node:child_process');
const { readFileSync } = require('node:fs');
const { Interrogator, LabelTable, importModel } = require('../../dist');

const [megabytes, weights] = process.argv.slice(2);
const settings = { captionModelName: null, device: 'cpu', cachePath: null, download: false, quiet: true, threads: 1, verifyHashes: false };
const LABELS = 3e6;

async function embedDimOf(clipModelName) {
  const interrogator = await Interrogator.create({ ...settings, clipModelName });
  try {
    return (await (await interrogator.textToFeatures('a cat')).toArray()).length;
  } finally {
    await interrogator.dispose();
  }
}

function limitMemory() {
  const size = Number(/^VmSize:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
  execFileSync('prlimit', ['--pid', String(process.pid), `--as=${size + Number(megabytes) * 1e6}:unlimited`]);
}

const settle = (work) =>
  work.then(
    (value) => ({ value }),
    ({ name, code, message, hint }) => ({ name, code, message, hint }),
  );

async function main() {
  process.removeAllListeners('warning');
  await importModel('clip', 'ViT-L-14', weights, { name: 'large' });
  // What libraries and threads take once is not what a model takes.
  await embedDimOf('sample');
  limitMemory();
  const results = {};
  for (const [what, name] of [
    ['large of a file', 'large'],
    ['large and random', 'ViT-L-14/'],
    ['large again', 'large'],
    ['small', 'ViT-S-32/'],
  ]) {
    results[what] = await settle(embedDimOf(name));
  }
  const interrogator = await Interrogator.create({ ...settings, clipModelName: 'sample' });
  const table = (count) => settle(LabelTable.create(Array(count).fill('a cat'), 'cats', interrogator).then(({ length }) => length));
  results['large table'] = await table(LABELS);
  results['small table'] = await table(2000);
  await interrogator.dispose();
  console.log(JSON.stringify(results));
}

main();
