// A process to be killed in the middle of a download: node download-process.cjs URL FILE SHA256
const { readFileSync } = require('node:fs');
const { transformSync } = require('@swc/core');

// The tests run lib/ uncompiled; so does this process.
require.extensions['.ts'] = (module, filename) => {
  module._compile(transformSync(readFileSync(filename, 'utf8'), { filename }).code, filename);
};

const [url, file, sha256] = process.argv.slice(2);
require('../../lib/setup/libtorch/download.ts').download(url, file, { sha256 });
