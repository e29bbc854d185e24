// A process that fetches libtorch: node fetch-process.cjs, its settings in the environment. The swc hook runs lib/ uncompiled.
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

require.extensions['.ts'] = (module, filename) => {
  module._compile(transformSync(readFileSync(filename, 'utf8'), { filename }).code, filename);
};

require('../../lib/setup/libtorch/index.ts')
  .ensureLibtorch({ quiet: true })
  .then(
    ({ path }) => process.stdout.write(path),
    (error) => {
      process.stderr.write(`${error.code} ${error.message}`);
      process.exit(1);
    },
  );
