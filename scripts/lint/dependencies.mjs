/** Every dependency in package.json is imported by our code, or is here with the reason why it need not be. */
import { readFileSync } from 'node:fs';
import path from 'node:path';

const NOT_IMPORTED = {
  '@swc/core': 'what @swc/jest compiles with',
  'node-addon-api': 'headers of the addon, which cmake-js finds',
  'node-api-headers': 'headers of the addon, which cmake-js finds',
};

/** Names of dependencies that nothing uses. `shipped` are the files of the package itself, `others` those of tests and tools. */
export function unusedDependencies(root, { shipped, others }) {
  const { dependencies, optionalDependencies, devDependencies } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const runtime = Object.keys({ ...dependencies, ...optionalDependencies });
  const known = new Set([...runtime, ...Object.keys(devDependencies), 'jest', 'node']);
  const textOf = (files) => files.map((file) => readFileSync(path.join(root, file), 'utf8')).join('\n');
  const [product, all] = [textOf(shipped), textOf([...shipped, ...others])];
  const isUsed = (name, text) => {
    const types = /^@types\/(.*)$/.exec(name)?.[1];
    if (types) return known.has(types);
    return Object.hasOwn(NOT_IMPORTED, name) || [`'${name}'`, `'${name}/`].some((quoted) => text.includes(quoted));
  };
  return [
    ...runtime.filter((name) => !isUsed(name, product)),
    ...Object.keys(devDependencies).filter((name) => !isUsed(name, all)),
    ...Object.keys(NOT_IMPORTED).filter((name) => !known.has(name)),
  ];
}
