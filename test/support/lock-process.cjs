// A process that holds a lock until it is killed, or writes to a log and lets go: node lock-process.cjs FILE [LOG MILLISECONDS]
require('./uncompiled.cjs');
const { appendFileSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { acquireLock } = require('../../lib/files/lock.ts');

const [file, log, milliseconds] = process.argv.slice(2);

acquireLock(file).then(async (release) => {
  if (!log) {
    process.send('held');
    return sleep(3_600_000);
  }
  appendFileSync(log, `(${process.pid})`);
  await sleep(Number(milliseconds));
  appendFileSync(log, `${process.pid}\n`);
  await release();
  process.disconnect();
});
