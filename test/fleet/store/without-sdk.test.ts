/** Stores of objects need a client that is not installed with the package. */
test.each(['@aws-sdk/client-s3', '@aws-sdk/lib-storage'])('without %s, what to install is said', async (missing) => {
  await jest.isolateModulesAsync(async () => {
    jest.doMock(missing, () => {
      throw Object.assign(new Error(`Cannot find module '${missing}'`), { code: 'MODULE_NOT_FOUND' });
    });
    try {
      const isolated = require('../../../lib/fleet/store') as typeof import('../../../lib/fleet/store');
      await expect(isolated.openStore('s3://bucket/prefix')).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        hint: expect.stringContaining('npm install @aws-sdk/client-s3@'),
      });
    } finally {
      jest.dontMock(missing);
    }
  });
});
