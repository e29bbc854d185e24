/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: { '\\.ts$': '@swc/jest' },
  testTimeout: 180_000,
  // Each worker may hold models and libtorch's thread pools.
  maxWorkers: 2,
};
