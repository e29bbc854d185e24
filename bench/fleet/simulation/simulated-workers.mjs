/**
 * A process of many workers whose models are not there: all else is the real thing, of which each has its own connections. Told by its
 * arguments what to be; tells its parent what its workers do.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { internal } from '../../ours.mjs';
import { SimulatedDevice, serviceMs } from './device.mjs';

const TOLD_MS = 50;
const PROGRESS_MS = 1000;
const { url, place, workers, folder, meanMs, times, shards, lockSeconds } = JSON.parse(process.argv[2]);
const { Fleet, Heartbeat, RunWorker } = internal('fleet');
const { summaryLine } = internal('fleet/runs/row-lines');

mkdirSync(folder, { recursive: true });
let news = newNews();
setInterval(() => {
  const told = news;
  news = newNews();
  if (Object.values(told).some(({ length }) => length > 0)) process.send({ news: told });
}, TOLD_MS);
timeCompletion();

for (let i = 0; i < workers; i += 1) {
  const fleet = await Fleet.connect({ url });
  const worker = new RunWorker({
    fleet,
    id: `simulated:${place}:${i}`,
    config: {},
    folder,
    shards,
    lockSeconds,
    makeShard: shardMaker(),
    log: (event) => hear(event, i),
  });
  worker.start();
  new Heartbeat(fleet).tell(() => worker.stats);
}
process.send({ ready: workers });
process.on('SIGINT', () => process.exit());
process.on('disconnect', () => process.exit());

/** Of one worker: its device, and the moments at which it was done with a shard and had not begun another. */
function shardMaker() {
  const device = new SimulatedDevice();
  const done = [];
  return async (_spec, data, file, signal, onProgress) => {
    const now = Date.now();
    const last = done.shift();
    if (last !== undefined) news.handovers.push(now - last);
    const { begins, ends } = device.take(serviceMs(times, data.shard, meanMs));
    news.begun.push({ shard: data.shard, at: now, readyAt: data.readyAt, begins, ends });
    while (ends - Date.now() > PROGRESS_MS) {
      await sleep(PROGRESS_MS, undefined, { signal });
      const part = Math.max(0, 1 - (ends - Date.now()) / (ends - now));
      onProgress({ ...counts(Math.floor(part * data.count)), rate: data.count / (meanMs / 1000) });
    }
    await sleep(Math.max(0, ends - Date.now()), undefined, { signal });
    writeFileSync(file, summaryLine({ ...counts(data.count), seconds: meanMs / 1000, failures: [], keys: [], embedDim: 0 }));
    done.push(Date.now());
  };
}

function counts(done) {
  return { done, kept: 0, failed: 0, skipped: 0, encoded: done };
}

function hear({ event, shard, message }, worker) {
  if (event === 'shard') news.ended.push({ shard, at: Date.now(), worker: `${place}:${worker}` });
  else if (event === 'failed' || event === 'lost lock') news.troubles.push(`${event}: ${message}`);
}

/** From the call to its answer, as a worker has it: the way to Redis and back, and this process's event loop, are in it. */
function timeCompletion() {
  const { RunRecords } = internal('fleet/runs/records');
  const { complete } = RunRecords.prototype;
  RunRecords.prototype.complete = async function timed(...args) {
    const began = performance.now();
    const answer = await complete.apply(this, args);
    news.completions.push(performance.now() - began);
    return answer;
  };
}

function newNews() {
  return { begun: [], ended: [], handovers: [], completions: [], troubles: [] };
}
