/** The decode worker from its source: the thread compiles TypeScript as jest does outside of it. */
const path = require('node:path');
const { transformFileSync } = require('@swc/core');

const options = { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs', ignoreDynamic: true } };
require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
require(path.join(__dirname, '..', '..', 'lib', 'image', 'decoders', 'decode-worker.ts'));
