// Lets a process or thread of the tests require lib/ uncompiled, as the tests themselves do.
const { transformFileSync } = require('@swc/core');

const options = { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs', ignoreDynamic: true } };
require.extensions['.ts'] = (module, file) => module._compile(transformFileSync(file, options).code, file);
