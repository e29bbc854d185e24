/** The thread that hashes bundles from its source. */
require('./uncompiled.cjs');
require('../../lib/bundles/hash-worker.ts');
