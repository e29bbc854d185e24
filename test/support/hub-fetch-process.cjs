// A process that fetches from the hub, to be killed or raced: node hub-fetch-process.cjs REPOSITORY FILE…. Prints a line `wait FILE` where it
// waits for another, and at its end the paths, or the error, as JSON.
require('./uncompiled.cjs');
const { fetchFiles } = require('../../lib/hub/index.ts');

const [repository, ...files] = process.argv.slice(2);
fetchFiles(repository, files, { onWait: (file) => process.stdout.write(`wait ${file}\n`) }).then(
  (paths) => process.stdout.write(`${JSON.stringify({ paths })}\n`),
  ({ code, message, hint, reason }) => {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint, reason } })}\n`);
    process.exitCode = 1;
  },
);
