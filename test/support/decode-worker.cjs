/** The decode worker from its source. */
require('./uncompiled.cjs');
require('../../lib/image/threads/decode-worker.ts');
