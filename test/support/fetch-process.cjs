// A process that fetches libtorch out of the wheels of TEST_WHEELS (JSON): node fetch-process.cjs, its settings in the environment.
require('./uncompiled.cjs');
const { findLibtorch } = require('../../lib/setup/libtorch/index.ts');
const { fetchLibtorch } = require('../../lib/setup/libtorch/fetch.ts');

fetchLibtorch('cpu', () => {}, JSON.parse(process.env.TEST_WHEELS)).then(
  () => process.stdout.write(findLibtorch().path),
  (error) => {
    process.stderr.write(`${error.code} ${error.message}`);
    process.exit(1);
  },
);
