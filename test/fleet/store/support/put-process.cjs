// A process that writes to a store: node put-process.cjs LOCATION. It is sent {name, file}, and answers with {name, written}.
// HALT=link,rm: it stops for good where it would call this function of fs/promises. NO_LINKS: the file system has no hard links.
require('../../../support/uncompiled.cjs');
const files = require('node:fs/promises');

for (const name of (process.env.HALT ?? '').split(',').filter(Boolean)) {
  files[name] = () => {
    process.send({ halted: name });
    return new Promise(() => setInterval(() => {}, 1000));
  };
}
if (process.env.NO_LINKS) {
  files.link = () => Promise.reject(Object.assign(new Error('Operation not permitted'), { code: 'EPERM' }));
}
const { openStore } = require('../../../../lib/fleet/store/index.ts');

const store = openStore(process.argv[2]);
process.on('message', async ({ name, file }) => {
  process.send({ name, written: await (await store).putIfAbsent(name, file) });
});
store.then(() => process.send({ ready: true }));
