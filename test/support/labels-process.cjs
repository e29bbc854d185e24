// A process that builds a table of so many phrases in small parts: node labels-process.cjs CACHE COUNT LOG
// It writes into the log how many labels it begins to encode, each time; and sends its progress, and the best phrases.
require('./uncompiled.cjs');
const { appendFileSync } = require('node:fs');
const { Interrogator, LabelTable } = require('../../lib/index.ts');
const { PART_LIMITS } = require('../../lib/labels/label-build.ts');
const { phrases } = require('./phrases.ts');

const [cachePath, count, log] = process.argv.slice(2);
Object.assign(PART_LIMITS, { whole: 128, least: 128, seconds: 0 });

async function main() {
  const settings = { clipModelName: 'sample', captionModelName: null, device: 'cpu', cachePath, quiet: true, verifyHashes: false };
  const interrogator = await Interrogator.create(settings);
  const { clip } = interrogator.engine;
  const encode = clip.tokenFeatures.bind(clip);
  clip.tokenFeatures = (tokens, ...rest) => {
    appendFileSync(log, `${tokens.length}\n`);
    return encode(tokens, ...rest);
  };
  const onProgress = (event) => process.send(event);
  const table = await LabelTable.create(phrases(Number(count)), 'phrases', interrogator, { onProgress });
  const text = await interrogator.textToFeatures(['a boat']);
  process.send({ best: await table.rank(text, { topCount: 3 }) });
  await interrogator.dispose();
  process.disconnect();
}

main();
