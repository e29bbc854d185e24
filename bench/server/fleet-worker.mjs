/** A worker of bench:serve-fleet: the sample pair on one thread, without a cache. REDIS is its Redis. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { ROOT } from '../../scripts/step.mjs';

const require = createRequire(import.meta.url);
const { Fleet } = require(path.join(ROOT, 'dist', 'fleet', 'redis', 'connect.js'));
const { answerRequests } = require(path.join(ROOT, 'dist', 'server', 'fleet', 'responder.js'));

const fleet = await Fleet.connect({ url: process.env.REDIS });
await answerRequests(fleet, { clip: ['sample'], caption: ['sample'], device: ['cpu'], cache: 0, config: { threads: 1 } });
console.log('ready');
