/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // Threads do not run in jest: they need a file that Node.js can load.
  moduleNameMapper: { '^\\.{1,2}/((compile|decode|hash|long-text|parquet|parquet-write)-worker)$': '<rootDir>/test/support/$1.cjs' },
  transform: { '\\.ts$': '@swc/jest' },
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  testTimeout: 180_000,
  // Each worker may hold models and libtorch's thread pools.
  maxWorkers: 2,
};
