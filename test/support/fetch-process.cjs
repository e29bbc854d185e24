// A process that fetches libtorch: node fetch-process.cjs, its settings in the environment.
require('./uncompiled.cjs');

require('../../lib/setup/libtorch/index.ts')
  .ensureLibtorch({ quiet: true })
  .then(
    ({ path }) => process.stdout.write(path),
    (error) => {
      process.stderr.write(`${error.code} ${error.message}`);
      process.exit(1);
    },
  );
